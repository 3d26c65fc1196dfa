//! Rows of `TenantService`.

super::rows! { "TenantService";
    /// Make a tenant.
    CREATE = "CreateTenant", "tenant.write", Tenant, Write, Caller;
    /// Show one.
    GET = "GetTenant", "tenant.read", Tenant, Read, Caller;
    /// Show all.
    LIST = "ListTenants", "tenant.read", Tenant, Read, Caller;
    /// Stop one.
    SUSPEND = "SuspendTenant", "tenant.write", Tenant, Write, Caller;
    /// Go on with one.
    RESUME = "ResumeTenant", "tenant.write", Tenant, Write, Caller;
    /// Schedule the end of one.
    DESTROY = "DestroyTenant", "tenant.destroy", Tenant, Write, Caller;
    /// Call that off.
    CANCEL_DESTRUCTION = "CancelTenantDestruction", "tenant.destroy", Tenant, Write, Caller;
}
