//! Tenants: everything lives in one. `main` is there from the start and is the default.

mod create;
mod destroy;
mod get;
mod list;
mod record;
mod remains;
mod suspend;

pub use self::{
    create::{CreateTenant, CreatedTenant},
    destroy::{CancelTenantDestruction, DestroyTenant, purge_due},
    get::GetTenant,
    list::ListTenants,
    record::{Afterwards, MAIN, NODE_AUTHORITY, TenantRecord, TenantState, find},
    remains::collect,
    suspend::{ResumeTenant, SuspendTenant},
};
