//! The broker's own certificate, from the broker's own authority: what nodes are shown, and everyone where no other is
//! configured.

use keyward_sdk::time::Timestamp;

use super::{EngineError, World};
use crate::{
    identity::ca::{Authority, AuthorityRecord, IssuedServer},
    method::TenantId,
};

/// The entry of the authority that `init` makes.
pub(super) const SERVER_AUTHORITY: &str = "server";

/// Where the certificate is served from.
pub trait ServeCertificate: Send + Sync {
    /// Serves this one from now on.
    fn serve(&self, issued: &IssuedServer);
    /// When the one that is served is due.
    fn renew_at(&self) -> Timestamp;
}

/// Makes a certificate for the names of the settings.
///
/// # Errors
/// [`EngineError`] when there is no authority, or a name cannot stand in a certificate.
pub fn issue(world: &World, names: &[String]) -> Result<IssuedServer, EngineError> {
    let authority = authority(world)?;
    authority.issue_server(names, world.clock.now()).map_err(|error| EngineError::Internal(error.to_string()))
}

/// The authority that the broker's certificate comes from.
///
/// # Errors
/// [`EngineError`] when there is none, or it cannot be used.
pub fn authority(world: &World) -> Result<Authority, EngineError> {
    let record = world.tables.authorities.get(TenantId::SYSTEM, SERVER_AUTHORITY);
    let record: std::sync::Arc<AuthorityRecord> =
        record.ok_or_else(|| EngineError::Internal("there is no server authority".to_owned()))?;
    Authority::load(&record).map_err(|error| EngineError::Internal(error.to_string()))
}
