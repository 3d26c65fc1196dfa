//! Fetches an issuer's keys now.

use super::get::find;
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    identity::oidc::IssuerState,
    method::{Action, IssuerResource, Method, Name, rows},
    policy::Permit,
};

/// See the module.
pub struct RefreshIssuer {
    /// Its name.
    pub name: Name,
}

/// How its keys are afterwards.
#[derive(Debug)]
pub struct RefreshedKeys(pub Option<IssuerState>);

impl Reply for RefreshedKeys {}

impl Action for RefreshIssuer {
    const METHOD: &'static Method = &rows::issuer::REFRESH;
    type Resource = IssuerResource;
    fn resource(&self) -> IssuerResource {
        IssuerResource(self.name.clone())
    }
}

impl Operation for RefreshIssuer {
    type Reply = RefreshedKeys;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<RefreshedKeys>, EngineError> {
        let tenant = permit.tenant();
        find(world, tenant, &self.name)?;
        world.issuers.refresh(tenant, &self.name).await;
        Ok(Done::Answer(RefreshedKeys(world.issuers.state(tenant, &self.name))))
    }
}
