//! Rows of `RoleService`.

super::rows! { "RoleService";
    /// Make or change one.
    PUT = "PutRole", "role.write", Role, Write, Caller;
    /// Show one.
    GET = "GetRole", "role.read", Role, Read, Caller;
    /// Show all.
    LIST = "ListRoles", "role.read", Role, Read, Caller;
    /// Remove one.
    DELETE = "DeleteRole", "role.write", Role, Write, Caller;
}
