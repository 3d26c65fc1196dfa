//! Shows all issuers.

use crate::{
    engine::{Done, EngineError, Operation, Page, PageRequest, World},
    identity::IssuerConfig,
    method::{Action, Method, ResourceKind, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct ListIssuers {
    /// Which part.
    pub page: PageRequest,
}

impl Action for ListIssuers {
    const METHOD: &'static Method = &rows::issuer::LIST;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Issuer)
    }
}

impl Operation for ListIssuers {
    type Reply = Page<IssuerConfig>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        Ok(Done::Answer(self.page.of_table(&world.tables.issuers, permit.tenant(), |_, issuer| issuer.clone())))
    }
}
