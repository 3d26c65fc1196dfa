//! Makes an operator token where no operator is left: from shares of a path of people, or, where there is no such path,
//! for the daemon's own user on its unix socket.
//!
//! The shares are gathered in one request and nowhere else, so nobody can spoil or cancel what others gather.

use keyward_kit::audit::Durability;
use keyward_sdk::secret::SecretString;
use tokio::time::Instant;
use tracing::warn;

use super::{SYSTEM, SealedOperation};
use crate::{
    engine::{
        EngineError, Lifecycle, Reply, SealState, World, bootstrap,
        lifecycle::{MEMBER_TIMEOUT, is_own_user},
        tenant,
    },
    identity::Principal,
    keyring::{Changes, VaultError},
    method::{Action, Method, Name, TenantId, Tenantwide, rows},
    policy::{self, OPERATOR_POLICY, OPERATOR_ROLE},
    seal::{Holder, OpenError, SealRecord},
};

/// More shares than any path has.
const MOST_SHARES: usize = 64;
/// How often the commit is tried again that another change came before.
const TRIES: usize = 8;

/// See the module.
pub struct Recover {
    /// Of one path of people.
    pub shares: Vec<SecretString>,
    /// Whose operator it will be.
    pub tenant: Name,
}

/// What is shown once.
pub struct Recovered {
    /// For one use within an hour.
    pub operator_token: SecretString,
}

impl Reply for Recovered {}

impl Action for Recover {
    const METHOD: &'static Method = &rows::seal::RECOVER;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl SealedOperation for Recover {
    type Reply = Recovered;

    async fn execute(&self, lifecycle: &Lifecycle, local: Option<u32>) -> Result<Recovered, EngineError> {
        let record = lifecycle.record().await?;
        let by = if self.shares.is_empty() {
            let world = lifecycle.world()?;
            record.verify(&world.vault.root()).map_err(not_ours)?;
            local_user_alone(&record, local)?;
            "the daemon's own user".to_owned()
        } else {
            if self.shares.len() > MOST_SHARES {
                return Err(EngineError::Limit { what: "the number of shares", limit: MOST_SHARES as u64 });
            }
            let unsealed = lifecycle.prove_shares(record, &self.shares)?;
            let by = format!("shares of path {}", unsealed.path());
            match lifecycle.state().await? {
                SealState::Unsealed if !unsealed.root().same_as(&lifecycle.world()?.vault.root()) => {
                    return Err(refused(
                        "SHARE_REFUSED",
                        "the seal record in the store is not the one that this broker was opened with",
                    ));
                }
                SealState::Unsealed => {}
                SealState::Sealed | SealState::Uninitialized => lifecycle.adopt(unsealed).await?,
            }
            by
        };
        let world = lifecycle.world()?;
        // Looked for only now that it was proven who asks.
        let tenant = tenant::find(&world, &self.tenant)?;
        world.active(tenant.id).map_err(|_| refused("TENANT_SUSPENDED", "the tenant is suspended; resume it first"))?;
        let deadline = Instant::now() + MEMBER_TIMEOUT;
        let facts = vec![("by", by.as_str()), ("tenant", tenant.name.as_str())];
        let recorded = lifecycle.parts.audit.system("operator.recovered", facts, Durability::Fsync, deadline).await;
        recorded.map_err(|error| EngineError::Unavailable(error.to_string()))?;
        let operator_token = make(lifecycle, &world, tenant.id).await?;
        warn!(recovered.by = %by, tenant = %tenant.name, "Operator token made by recovery");
        Ok(Recovered { operator_token })
    }
}

/// Only where nobody could have been asked for shares.
fn local_user_alone(record: &SealRecord, local: Option<u32>) -> Result<(), EngineError> {
    let by_people = record.paths().iter().find(|path| {
        let people = path.members.iter().filter(|member| matches!(member.holder, Holder::Person { .. })).count();
        people >= usize::from(path.k)
    });
    if let Some(path) = by_people {
        return Err(refused("MORE_SHARES", format!("give {} shares of the path {}", path.k, path.name)));
    }
    if !is_own_user(local) {
        return Err(refused(
            "NOT_LOCAL",
            "no seal path is of people: recover as the daemon's own user on its unix socket",
        ));
    }
    Ok(())
}

/// The token, with role and policy of operators as `init` made them: without those it would be of no use.
async fn make(lifecycle: &Lifecycle, world: &World, tenant: TenantId) -> Result<SecretString, EngineError> {
    let now = world.clock.now();
    for _ in 0..TRIES {
        let mut changes = Changes::new();
        changes.based_on(tenant, world.vault.counter(tenant));
        let role = lifecycle.parts.operator_role()?;
        if bootstrap::put_role_back(world, tenant, &role, &mut changes)? {
            warn!("Role `operator` put back as it was at first");
        }
        let policy = world.tables.policies.get(tenant, OPERATOR_ROLE);
        if policy.is_none_or(|stored| stored.policy.text != OPERATOR_POLICY) {
            warn!("Policy `operator` put back as it was at first");
            policy::first_policies(&mut changes, tenant, now)?;
        }
        let token = bootstrap::make(&mut changes, tenant, Principal::RECOVERED, now)?;
        match world.vault.commit(changes).await {
            Ok(_) => return Ok(token),
            Err(VaultError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(VaultError::Conflict.into())
}

fn refused(reason: &'static str, what: impl Into<String>) -> EngineError {
    EngineError::NotProven { reason, what: what.into() }
}

fn not_ours(error: OpenError) -> EngineError {
    EngineError::state("SEAL_RECORD_DAMAGED", error.to_string())
}
