//! The seal and the installation.

mod change;
mod delete_path;
mod initialize;
mod installation;
mod paths;
mod put_path;
mod recover;
mod renew;
mod rotate;
mod rotate_root;
mod seal;
mod status;
mod unseal;

use std::future::Future;

pub use self::{
    change::PathChanged,
    delete_path::DeleteSealPath,
    initialize::{Initialize, Initialized, pem},
    installation::{GetStatus, Installed, KeyringStatus},
    paths::{DrillSeal, ListSealPaths},
    put_path::PutSealPath,
    recover::{Recover, Recovered},
    rotate::RotateKeyring,
    rotate_root::RotateRootKey,
    seal::{Seal, Sealed},
    status::{GetSealStatus, SealStatus},
    unseal::Unseal,
};
pub(super) use self::{renew::renew_seal, rotate_root::rotate_root_now};
use super::{EngineError, Lifecycle, Reply};
use crate::method::{Action, ResourceKind, Tenantwide};

/// What all of these are about.
pub(super) const SYSTEM: Tenantwide = Tenantwide(ResourceKind::System);

/// A request that works while sealed: it has a lifecycle and no world.
pub trait SealedOperation: Action {
    /// What the caller gets.
    type Reply: Reply;

    /// Carries it out. `local` is the user at the other end of the unix socket.
    fn execute(
        &self,
        lifecycle: &Lifecycle,
        local: Option<u32>,
    ) -> impl Future<Output = Result<Self::Reply, EngineError>> + Send;
}
