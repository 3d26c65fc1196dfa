//! Shows one record.

use keyward_kit::audit::Record;

use super::{LOG, audit, no_log, unreadable};
use crate::{
    audit::Shown,
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, Method, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct GetAuditRecord {
    /// The log; none: the one that is written now.
    pub origin: Option<String>,
    /// The record's place in it.
    pub sequence: u64,
    /// Whether a proof is asked for.
    pub proof: Proof,
}

/// Whether a proof is asked for. It reads the whole log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is not.
    No,
    /// It is.
    Yes,
}

/// What is shown.
pub struct ShownRecord {
    /// The record.
    pub record: Shown,
    /// The proof as text, and the key that it is checked with.
    pub proof: Option<(String, String)>,
    /// The name of the record's tenant.
    pub tenant: String,
}

impl Reply for ShownRecord {}

impl Action for GetAuditRecord {
    const METHOD: &'static Method = &rows::audit::GET;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        LOG
    }
}

impl Operation for GetAuditRecord {
    type Reply = ShownRecord;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<ShownRecord>, EngineError> {
        let audit = audit(world)?;
        let origin = self.origin.as_deref().unwrap_or(audit.origin());
        let none = || {
            let origin = origin.escape_debug();
            EngineError::Missing(format!("there is no record {} in the log `{origin}` here", self.sequence))
        };
        let found = audit.record(origin, self.sequence).await.map_err(unreadable)?.ok_or_else(none)?;
        let parsed = Record::parse(&found.body).map_err(|error| EngineError::Internal(error.to_string()))?;
        let tenant = parsed.tenant;
        // Another tenant's record is none at all.
        if permit.tenant() != world.main_tenant() && tenant != permit.tenant().0 {
            return Err(none());
        }
        let proof = match self.proof {
            Proof::No => None,
            Proof::Yes => {
                let made = audit.proof(origin, self.sequence).await.map_err(unreadable)?;
                Some(made.ok_or_else(|| no_log(origin))?)
            }
        };
        let tenant = world.tenant_name(crate::method::TenantId(tenant));
        Ok(Done::Answer(ShownRecord { record: Shown { origin: origin.into(), found }, proof, tenant }))
    }
}
