//! Showing the audit log of this replica. The tenant `main` sees all of it, any other tenant its own records.

mod checkpoint;
mod logs;
mod record;
mod tail;

use std::sync::Arc;

pub use self::{
    checkpoint::{GetCheckpoint, LatestCheckpoint},
    logs::{AuditLogs, ListAuditLogs},
    record::{GetAuditRecord, Proof, ShownRecord},
    tail::{Follow, TailAudit, Tailing},
};
use super::{EngineError, World};
use crate::{
    audit::{Audit, AuditError},
    method::{ResourceKind, Tenantwide},
};

/// What all of these are about.
const LOG: Tenantwide = Tenantwide(ResourceKind::Audit);

pub(super) fn audit(world: &World) -> Result<Arc<Audit>, EngineError> {
    world.lifecycle.upgrade().map(|lifecycle| lifecycle.parts.audit.clone()).ok_or(EngineError::Sealed)
}

fn unreadable(error: AuditError) -> EngineError {
    EngineError::Unavailable(format!(
        "the audit log cannot be read: {error}; `keyward audit verify` says where it is damaged"
    ))
}

fn no_log(origin: &str) -> EngineError {
    let origin = origin.escape_debug();
    EngineError::Missing(format!("this broker keeps no audit log `{origin}`; `keyward audit logs` shows them"))
}
