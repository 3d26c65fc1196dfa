//! Carrying out a change once: the batch with its pending outcome and its reply, and what a retry gets.

use keyward_sdk::{
    crypto::digest::sha256_parts,
    secret::Secret,
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};
use tracing::debug;

use super::{Facts, TRIES, settle};
use crate::{
    audit::Intent,
    engine::{Done, EngineError, Operation, Reply, World},
    keyring::{Changes, DataPath, VaultError},
    method::{Access, Action, TenantId},
    policy::Permit,
    storage::Expect,
};

/// How long a reply is kept for retries.
pub(crate) const REPLY_KEPT: Span = Span::from_hours(24);

/// Where they lie.
const REPLIES: &str = "reply/";

/// What was done under a request id.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptReply {
    /// Over the request, so that the same id with another request is noticed.
    request: [u8; 32],
    /// When it was done.
    pub(crate) at: Timestamp,
    #[serde(with = "keyward_sdk::secret::serde_exposed")]
    reply: Secret,
}

/// What is known of a request id.
pub(super) enum Recalled<R> {
    /// The answer of the first try.
    Reply(R),
    /// No answer; the place of one must still be as it is when an answer is put there.
    Nothing(Expect),
}

fn reply_place<O: Action>(facts: &Facts, permit: &Permit<O>) -> Result<Option<DataPath>, EngineError> {
    let Some(id) = &facts.request_id else { return Ok(None) };
    let principal = crate::keyring::encode(permit.caller().principal())?;
    // What strangers are given is bound to their key, and so is its copy.
    let key = match (O::METHOD.access, &facts.certificate) {
        (Access::Bootstrap, Some(certificate)) => certificate.key_hash().as_slice(),
        _ => b"",
    };
    let digest = sha256_parts(&[&principal, O::METHOD.rpc.as_bytes(), b"\0", id.as_str().as_bytes(), b"\0", key]);
    let name = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Ok(Some(DataPath::new(permit.tenant(), &format!("{REPLIES}{name}"))?))
}

/// What the first try with the same request id returned.
pub(super) async fn recall<O: Operation>(
    world: &World,
    facts: &Facts,
    permit: &Permit<O>,
) -> Result<Recalled<O::Reply>, EngineError> {
    let Some(place) = reply_place(facts, permit)? else { return Ok(Recalled::Nothing(Expect::Absent)) };
    let Some((kept, revision)) = world.vault.read::<KeptReply>(&place).await? else {
        return Ok(Recalled::Nothing(Expect::Absent));
    };
    if kept.at.saturating_add(REPLY_KEPT) <= world.clock.now() {
        return Ok(Recalled::Nothing(Expect::At(revision)));
    }
    if kept.request != facts.request_digest {
        return Err(EngineError::state(
            "REQUEST_ID_REUSED",
            "this request id was used for another request; make a new one",
        ));
    }
    let reply = O::Reply::recall(kept.reply.expose())?;
    Ok(reply.map_or(Recalled::Nothing(Expect::At(revision)), Recalled::Reply))
}

/// Runs the operation and commits what it wants, again after conflicts. Of two at the same moment under one request id,
/// one is carried out, and the other gets its reply.
pub(super) async fn execute<O: Operation>(
    world: &World,
    facts: &Facts,
    permit: &Permit<O>,
    mut intent: Option<(&Intent, Expect)>,
    operation: &O,
) -> Result<O::Reply, EngineError> {
    for attempt in 1..=TRIES {
        let basis = world.vault.counter(permit.tenant());
        let system = world.vault.counter(TenantId::SYSTEM);
        let (mut changes, reply) = match operation.execute(permit, world).await? {
            Done::Answer(reply) => return Ok(reply),
            Done::Change(changes, reply) => (changes, reply),
        };
        if changes.touches_control(permit.tenant()) {
            changes.based_on(permit.tenant(), basis);
        }
        if changes.touches_control(TenantId::SYSTEM) {
            changes.based_on(TenantId::SYSTEM, system);
        }
        if let Some(intent) = intent {
            promise(world, facts, permit, intent, &reply, &mut changes)?;
        }
        match world.vault.commit(changes).await {
            Ok(_) => return Ok(reply),
            Err(VaultError::Conflict) => debug!(attempt, "Conflict, running the operation again"),
            Err(error) => return Err(error.into()),
        }
        if let Some((_, expect)) = &mut intent {
            match recall::<O>(world, facts, permit).await? {
                Recalled::Reply(reply) => return Ok(reply),
                Recalled::Nothing(now) => *expect = now,
            }
        }
    }
    Err(VaultError::Conflict.into())
}

/// Adds the pending outcome and the kept reply to the batch.
fn promise<O: Operation>(
    world: &World,
    facts: &Facts,
    permit: &Permit<O>,
    (intent, expect): (&Intent, Expect),
    reply: &O::Reply,
    changes: &mut Changes,
) -> Result<(), EngineError> {
    settle::promise(world, intent, changes)?;
    if let (Some(place), Some(kept)) = (reply_place(facts, permit)?, reply.keep()?) {
        let reply = Secret::copy_of(&kept).map_err(|error| EngineError::Internal(error.to_string()))?;
        let kept = KeptReply { request: facts.request_digest, at: world.clock.now(), reply };
        changes.expect(place.clone(), expect);
        changes.put_data(place, &kept)?;
    }
    Ok(())
}

/// Removes replies that are older than a retry may be. One page of each tenant a call, from where the last one ended.
///
/// # Errors
/// [`EngineError`] when the store does not answer.
pub async fn forget_replies(world: &World, now: Timestamp) -> Result<(), EngineError> {
    let tenants = world.tables.tenants.all(TenantId::SYSTEM);
    for tenant in tenants.iter().map(|(_, tenant)| tenant.id) {
        let after = world.cursors.get(tenant, REPLIES);
        let page = world.vault.values::<KeptReply>(tenant, REPLIES, after.as_ref(), crate::storage::MAX_LIST).await?;
        let last = page.last().map(|(place, _)| place.clone());
        world.cursors.set(tenant, REPLIES, last.filter(|_| page.len() == crate::storage::MAX_LIST));
        let old: Vec<_> = page.into_iter().filter(|(_, kept)| kept.at.saturating_add(REPLY_KEPT) <= now).collect();
        for part in old.chunks(crate::storage::MAX_BATCH_OPERATIONS) {
            let mut changes = Changes::new();
            part.iter().for_each(|(place, _)| changes.delete_data(place.clone()));
            world.vault.commit(changes).await?;
        }
    }
    Ok(())
}
