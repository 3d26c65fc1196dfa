//! Shows all roles.

use crate::{
    engine::{Done, EngineError, Operation, Page, PageRequest, World},
    identity::RoleConfig,
    method::{Action, Method, ResourceKind, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct ListRoles {
    /// Which part.
    pub page: PageRequest,
}

impl Action for ListRoles {
    const METHOD: &'static Method = &rows::role::LIST;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Role)
    }
}

impl Operation for ListRoles {
    type Reply = Page<RoleConfig>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        Ok(Done::Answer(self.page.of_table(&world.tables.roles, permit.tenant(), |_, role| role.clone())))
    }
}
