//! `TenantService`.

use keyward_api::v1 as pb;
use tonic::{Request, Response, Status};

use super::{
    convert::{page, parse, span_optional, timestamp},
    door::Door,
};
use crate::engine::{
    EngineError, Kept, Page,
    tenant::{
        Afterwards, CancelTenantDestruction, CreateTenant, CreatedTenant, DestroyTenant, GetTenant, ListTenants,
        ResumeTenant, SuspendTenant, TenantRecord, TenantState,
    },
};

impl From<TenantRecord> for pb::Tenant {
    fn from(record: TenantRecord) -> Self {
        let (state, destroy_at) = match record.state {
            TenantState::Active => (pb::TenantState::Active, None),
            TenantState::Suspended => (pb::TenantState::Suspended, None),
            TenantState::Destroying { at, .. } => (pb::TenantState::Destroying, Some(timestamp(at))),
        };
        Self {
            name: record.name.into(),
            id: record.id.to_string(),
            state: state.into(),
            created_at: Some(timestamp(record.created_at)),
            destroy_at,
            description: record.description,
        }
    }
}

impl TryFrom<pb::CreateTenantRequest> for CreateTenant {
    type Error = EngineError;
    fn try_from(request: pb::CreateTenantRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)?, description: request.description })
    }
}

impl From<Kept<CreatedTenant>> for pb::CreateTenantResponse {
    fn from(Kept(created): Kept<CreatedTenant>) -> Self {
        Self { tenant: Some(created.tenant.into()), operator_token: created.operator_token.expose().to_owned() }
    }
}

impl TryFrom<pb::ListTenantsRequest> for ListTenants {
    type Error = EngineError;
    fn try_from(request: pb::ListTenantsRequest) -> Result<Self, EngineError> {
        Ok(Self { page: page(request.page_size, request.page_token)? })
    }
}

impl From<Page<TenantRecord>> for pb::ListTenantsResponse {
    fn from(page: Page<TenantRecord>) -> Self {
        Self { tenants: page.items.into_iter().map(Into::into).collect(), next_page_token: page.next }
    }
}

impl From<TenantRecord> for pb::GetTenantResponse {
    fn from(record: TenantRecord) -> Self {
        Self { tenant: Some(record.into()) }
    }
}

impl TryFrom<pb::DestroyTenantRequest> for DestroyTenant {
    type Error = EngineError;
    fn try_from(request: pb::DestroyTenantRequest) -> Result<Self, EngineError> {
        Ok(Self {
            name: parse("name", &request.name)?,
            waiting_period: span_optional("waiting_period", request.waiting_period.as_ref())?,
            afterwards: if request.renew_seal { Afterwards::RenewSeal } else { Afterwards::Nothing },
        })
    }
}

macro_rules! by_name {
    ($($request:ident => $operation:ident),* $(,)?) => {$(
        impl TryFrom<pb::$request> for $operation {
            type Error = EngineError;
            fn try_from(request: pb::$request) -> Result<Self, EngineError> {
                Ok(Self { name: parse("name", &request.name)? })
            }
        }
    )*};
}

by_name! {
    GetTenantRequest => GetTenant,
    SuspendTenantRequest => SuspendTenant,
    ResumeTenantRequest => ResumeTenant,
    CancelTenantDestructionRequest => CancelTenantDestruction,
}

macro_rules! answers_tenant {
    ($($response:ident),* $(,)?) => {$(
        impl From<Kept<TenantRecord>> for pb::$response {
            fn from(Kept(record): Kept<TenantRecord>) -> Self {
                Self { tenant: Some(record.into()) }
            }
        }
    )*};
}

answers_tenant!(SuspendTenantResponse, ResumeTenantResponse, DestroyTenantResponse, CancelTenantDestructionResponse);

super::door::service! {
    pb::tenant_service_server::TenantService;
    create_tenant(CreateTenantRequest) -> CreateTenantResponse = CreateTenant;
    get_tenant(GetTenantRequest) -> GetTenantResponse = GetTenant;
    list_tenants(ListTenantsRequest) -> ListTenantsResponse = ListTenants;
    suspend_tenant(SuspendTenantRequest) -> SuspendTenantResponse = SuspendTenant;
    resume_tenant(ResumeTenantRequest) -> ResumeTenantResponse = ResumeTenant;
    destroy_tenant(DestroyTenantRequest) -> DestroyTenantResponse = DestroyTenant;
    cancel_tenant_destruction(CancelTenantDestructionRequest) -> CancelTenantDestructionResponse = CancelTenantDestruction;
}
