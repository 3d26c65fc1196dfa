//! Makes a tenant with a keyring of its own.

use keyward_sdk::secret::SecretString;
use serde::{Deserialize, Serialize};

use super::{NODE_AUTHORITY, TenantRecord, record};
use crate::{
    engine::{Done, EngineError, Keep, Kept, Operation, World, bootstrap},
    identity::ca::Authority,
    keyring::{Changes, KeyringRecord},
    method::{Action, Method, Name, ResourceKind, TenantId, TenantResource, rows},
    policy::{self, Permit},
};

/// The most tenants of an installation.
const MAX_TENANTS: usize = 1_000;

/// See the module.
pub struct CreateTenant {
    /// Its name.
    pub name: Name,
    /// For people.
    pub description: String,
}

/// What is shown once.
#[derive(Serialize, Deserialize)]
pub struct CreatedTenant {
    /// The tenant.
    pub tenant: TenantRecord,
    /// Logs its first operator in.
    #[serde(with = "keyward_sdk::secret::serde_exposed")]
    pub operator_token: SecretString,
}

impl Keep for CreatedTenant {}

impl Action for CreateTenant {
    const METHOD: &'static Method = &rows::tenant::CREATE;
    type Resource = TenantResource;
    fn resource(&self) -> TenantResource {
        TenantResource(self.name.clone())
    }
}

impl Operation for CreateTenant {
    type Reply = Kept<CreatedTenant>;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        if record::find(world, &self.name).is_ok() {
            return Err(EngineError::Exists { kind: ResourceKind::Tenant, name: self.name.to_string() });
        }
        if self.description.len() > 256 {
            return Err(EngineError::invalid("description", "at most 256 bytes are allowed"));
        }
        if world.tables.tenants.all(TenantId::SYSTEM).len() >= MAX_TENANTS {
            return Err(EngineError::Limit { what: "the number of tenants", limit: MAX_TENANTS as u64 });
        }
        let now = world.clock.now();
        let tenant = TenantRecord::new(self.name.clone(), self.description.clone(), now);
        let mut changes = Changes::new();
        changes.put_ring(tenant.id, KeyringRecord::generate(now));
        changes.put_control(TenantId::SYSTEM, self.name.as_str(), &tenant)?;
        policy::first_policies(&mut changes, tenant.id, now)?;
        let operator = bootstrap::operator_role()?;
        changes.put_control(tenant.id, operator.name.as_str(), &operator)?;
        let nodes = Authority::make("keyward nodes", now).map_err(|error| EngineError::Internal(error.to_string()))?;
        changes.put_control(tenant.id, NODE_AUTHORITY, &nodes)?;
        let operator_token = bootstrap::make(&mut changes, tenant.id, "tenant", now)?;
        Ok(Done::Change(changes, Kept(CreatedTenant { tenant, operator_token })))
    }
}
