//! Shows all logs.

use super::{LOG, audit, unreadable};
use crate::{
    audit::RegisteredLog,
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, Method, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct ListAuditLogs;

/// What is registered.
pub struct AuditLogs {
    /// Every log, in the order of their names.
    pub logs: Vec<RegisteredLog>,
    /// The one that this replica writes.
    pub current: String,
    /// Where its files lie; only for the tenant `main`.
    pub folder: Option<String>,
}

impl Reply for AuditLogs {}

impl Action for ListAuditLogs {
    const METHOD: &'static Method = &rows::audit::LOGS;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        LOG
    }
}

impl Operation for ListAuditLogs {
    type Reply = AuditLogs;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<AuditLogs>, EngineError> {
        let audit = audit(world)?;
        let logs = audit.registered().await.map_err(unreadable)?;
        let folder = (permit.tenant() == world.main_tenant()).then(|| audit.folder().display().to_string());
        Ok(Done::Answer(AuditLogs { logs, current: audit.origin().to_owned(), folder }))
    }
}
