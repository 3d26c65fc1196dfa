//! `RoleService`.

use keyward_api::v1 as pb;
use tonic::{Request, Response, Status};

use super::{
    auth::{scope, shown},
    convert::{duration, page, parse, span_optional},
    door::Door,
};
use crate::{
    engine::{
        EngineError, Kept, Page,
        role::{DeleteRole, GetRole, ListRoles, PutRole},
    },
    identity::{RoleConfig, token::DEFAULT_LIFE},
};

impl From<RoleConfig> for pb::Role {
    fn from(role: RoleConfig) -> Self {
        Self {
            name: role.name.into(),
            description: role.description,
            max_life: Some(duration(role.max_life)),
            bearer: role.bearer,
            scope: Some(shown(&role.scope)),
        }
    }
}

impl TryFrom<pb::PutRoleRequest> for PutRole {
    type Error = EngineError;
    fn try_from(request: pb::PutRoleRequest) -> Result<Self, EngineError> {
        let role = request.role.ok_or_else(|| EngineError::invalid("role", "is missing"))?;
        let max_life = span_optional("role.max_life", role.max_life.as_ref())?;
        let role = RoleConfig {
            name: parse("role.name", &role.name)?,
            description: role.description,
            max_life: max_life.unwrap_or(DEFAULT_LIFE),
            bearer: role.bearer,
            scope: scope(role.scope)?,
        };
        Ok(Self { role, force: request.force })
    }
}

impl From<Kept<RoleConfig>> for pb::PutRoleResponse {
    fn from(Kept(role): Kept<RoleConfig>) -> Self {
        Self { role: Some(role.into()) }
    }
}

impl TryFrom<pb::GetRoleRequest> for GetRole {
    type Error = EngineError;
    fn try_from(request: pb::GetRoleRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)? })
    }
}

impl From<RoleConfig> for pb::GetRoleResponse {
    fn from(role: RoleConfig) -> Self {
        Self { role: Some(role.into()) }
    }
}

impl TryFrom<pb::ListRolesRequest> for ListRoles {
    type Error = EngineError;
    fn try_from(request: pb::ListRolesRequest) -> Result<Self, EngineError> {
        Ok(Self { page: page(request.page_size, request.page_token)? })
    }
}

impl From<Page<RoleConfig>> for pb::ListRolesResponse {
    fn from(page: Page<RoleConfig>) -> Self {
        Self { roles: page.items.into_iter().map(Into::into).collect(), next_page_token: page.next }
    }
}

impl TryFrom<pb::DeleteRoleRequest> for DeleteRole {
    type Error = EngineError;
    fn try_from(request: pb::DeleteRoleRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)?, force: request.force })
    }
}

impl From<Kept<()>> for pb::DeleteRoleResponse {
    fn from(_: Kept<()>) -> Self {
        Self {}
    }
}

super::door::service! {
    pb::role_service_server::RoleService;
    put_role(PutRoleRequest) -> PutRoleResponse = PutRole;
    get_role(GetRoleRequest) -> GetRoleResponse = GetRole;
    list_roles(ListRolesRequest) -> ListRolesResponse = ListRoles;
    delete_role(DeleteRoleRequest) -> DeleteRoleResponse = DeleteRole;
}
