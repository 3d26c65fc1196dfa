//! Makes everything anew that opens the store: the keys and shares of paths without people, the root, and the system keyring.
//! After that, nothing that is in use opens a copy of the store from before, but for what people hold.

use keyward_sdk::time::Timestamp;

use super::change::{Open, refused};
use crate::{
    engine::{EngineError, World},
    keyring::Changes,
    method::TenantId,
    seal::{Holder, Name, Renewal, edit_path, rotate_root},
};

/// Carries it out in several commits, the last of which notes that it is done. Begun again from the start after a crash.
///
/// # Errors
/// [`EngineError`]: a member is not reachable, or the root is pinned. Nothing is half done.
pub(in crate::engine) async fn renew_seal(world: &World, now: Timestamp) -> Result<(), EngineError> {
    let open = Open::of(world).await?;
    open.unpinned()?;
    let by_keys = |path: &&crate::seal::PathRecord| {
        !path.members.iter().any(|member| matches!(member.holder, Holder::Person { .. }))
    };
    let names: Vec<Name> = open.record.paths().iter().filter(by_keys).map(|path| path.name.clone()).collect();
    drop(open);
    for name in names {
        let open = Open::of(world).await?;
        let change = edit_path(open.held(), &name, &[]).await.map_err(refused)?;
        let (changes, _no_people) = open.written(world, change)?;
        world.vault.commit(changes).await?;
    }
    let open = Open::of(world).await?;
    let change = rotate_root(open.held()).map_err(refused)?;
    let (mut changes, _no_people) = open.written(world, change)?;
    let mut done = Changes::new();
    done.put_ring(TenantId::SYSTEM, world.vault.rings().of(TenantId::SYSTEM)?.record().rotated(now));
    Renewal::default().put(&mut done)?;
    changes.absorb(done);
    world.vault.commit(changes).await?;
    Ok(())
}
