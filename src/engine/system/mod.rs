//! The seal and the installation.

mod initialize;
mod rotate;
mod seal;
mod status;
mod unseal;

use std::future::Future;

pub use self::{
    initialize::{Initialize, Initialized, pem},
    rotate::RotateKeyring,
    seal::{Seal, Sealed},
    status::{GetSealStatus, SealStatus},
    unseal::Unseal,
};
use super::{EngineError, Lifecycle, Reply};
use crate::{
    method::{Action, ResourceKind, Tenantwide},
};

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
