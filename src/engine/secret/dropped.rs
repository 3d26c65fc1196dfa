//! Values that nothing refers to any more, or not yet: a worklist, so that what is destroyed is really gone, however much it
//! was at once, and what a crash leaves half written as well.

use keyward_sdk::{
    crypto::random,
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::body::Body;
use crate::{
    engine::{EngineError, World},
    keyring::{Changes, DataPath, VaultError},
    method::TenantId,
    storage::{Expect, PathError},
};

const DROPPED: &str = "kv/x/";
/// How many parts go with one batch, beside what else is in it.
const PARTS: usize = 48;
/// Entries that are looked at in one round of one tenant.
const ENTRIES: usize = 100;
/// How long a writer may take. One that takes longer is told that it lost against others, and writes again.
const WRITING: Span = Span::from_hours(1);

/// Values to remove.
#[derive(Serialize, Deserialize)]
struct Dropped {
    bodies: Vec<Body>,
    /// Not before.
    from: Timestamp,
}

fn place(tenant: TenantId) -> Result<DataPath, PathError> {
    DataPath::new(tenant, &format!("{DROPPED}{:032x}", u128::from_be_bytes(random::array())))
}

/// Says that `body` is about to be written. Whoever refers to it takes the note away in the same batch.
pub(super) fn announce(
    tenant: TenantId,
    body: &Body,
    now: Timestamp,
    changes: &mut Changes,
) -> Result<DataPath, EngineError> {
    let place = place(tenant)?;
    let note = Dropped { bodies: vec![body.clone()], from: now.saturating_add(WRITING) };
    changes.put_data(place.clone(), &note)?;
    Ok(place)
}

/// Removes values: those that fit with this very batch, the others in the next round.
pub(super) fn drop_all(
    tenant: TenantId,
    bodies: Vec<Body>,
    now: Timestamp,
    changes: &mut Changes,
) -> Result<(), EngineError> {
    let rest = remove_some(tenant, bodies, changes)?;
    if !rest.is_empty() {
        changes.put_data(place(tenant)?, &Dropped { bodies: rest, from: now })?;
    }
    Ok(())
}

/// Removes as many as fit, and gives the others back.
fn remove_some(tenant: TenantId, mut bodies: Vec<Body>, changes: &mut Changes) -> Result<Vec<Body>, EngineError> {
    let mut parts = 0;
    while let Some(body) = bodies.pop() {
        parts += body.parts();
        if parts > PARTS {
            bodies.push(body);
            break;
        }
        body.remove(tenant, changes)?;
    }
    Ok(bodies)
}

/// Removes what is on the worklist of a tenant.
///
/// # Errors
/// [`EngineError`] when the store does not answer; what is left is done in the next round.
pub async fn collect(world: &World, tenant: TenantId, now: Timestamp) -> Result<(), EngineError> {
    let after = world.cursors.get(tenant, DROPPED);
    let places = world.vault.places(tenant, DROPPED, after.as_ref(), ENTRIES).await?;
    // What is not due yet holds up nothing behind it.
    world.cursors.set(tenant, DROPPED, places.last().filter(|_| places.len() == ENTRIES).cloned());
    for place in places {
        while let Some((dropped, revision)) = world.vault.read::<Dropped>(&place).await? {
            if dropped.from > now {
                break;
            }
            let mut changes = Changes::new();
            // A writer that is about to refer to it comes first, or it does not come at all.
            changes.expect(place.clone(), Expect::At(revision));
            let rest = remove_some(tenant, dropped.bodies, &mut changes)?;
            if rest.is_empty() {
                changes.delete_data(place.clone());
            } else {
                changes.put_data(place.clone(), &Dropped { bodies: rest, from: dropped.from })?;
            }
            match world.vault.commit(changes).await {
                Ok(_) | Err(VaultError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
