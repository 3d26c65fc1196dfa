//! Tenants: everything lives in one. `main` is there from the start and is the default.

mod create;
mod destroy;
mod get;
mod list;
mod record;
mod suspend;

pub use self::{
    create::CreateTenant,
    destroy::{CancelTenantDestruction, DestroyTenant, purge_due},
    get::GetTenant,
    list::ListTenants,
    record::{MAIN, TenantRecord, TenantState},
    suspend::{ResumeTenant, SuspendTenant},
};
