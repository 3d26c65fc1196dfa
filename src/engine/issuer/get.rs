//! Shows an issuer, and how its keys are on this replica.

use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    identity::{IssuerConfig, oidc::IssuerState},
    method::{Action, IssuerResource, Method, Name, ResourceKind, TenantId, rows},
    policy::Permit,
};

/// See the module.
pub struct GetIssuer {
    /// Its name.
    pub name: Name,
}

/// An issuer as it is shown.
#[derive(Debug)]
pub struct ShownIssuer {
    /// Its settings.
    pub issuer: IssuerConfig,
    /// Its keys; none for a moment after it was made.
    pub state: Option<IssuerState>,
}

impl Reply for ShownIssuer {}

impl Action for GetIssuer {
    const METHOD: &'static Method = &rows::issuer::GET;
    type Resource = IssuerResource;
    fn resource(&self) -> IssuerResource {
        IssuerResource(self.name.clone())
    }
}

impl Operation for GetIssuer {
    type Reply = ShownIssuer;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<ShownIssuer>, EngineError> {
        let issuer = find(world, permit.tenant(), &self.name)?;
        let state = world.issuers.state(permit.tenant(), &self.name);
        Ok(Done::Answer(ShownIssuer { issuer, state }))
    }
}

pub(super) fn find(world: &World, tenant: TenantId, name: &Name) -> Result<IssuerConfig, EngineError> {
    let found = world.tables.issuers.get(tenant, name.as_str());
    let found = found.ok_or_else(|| EngineError::not_found(ResourceKind::Issuer, name.as_str()))?;
    Ok(IssuerConfig::clone(&found))
}
