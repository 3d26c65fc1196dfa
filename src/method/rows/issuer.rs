//! Rows of `IssuerService`.

super::rows! { "IssuerService";
    /// Make or change one.
    PUT = "PutIssuer", "issuer.write", Issuer, Write, Caller;
    /// Show one and its keys.
    GET = "GetIssuer", "issuer.read", Issuer, Read, Caller;
    /// Show all.
    LIST = "ListIssuers", "issuer.read", Issuer, Read, Caller;
    /// Remove one.
    DELETE = "DeleteIssuer", "issuer.write", Issuer, Write, Caller;
    /// Fetch its keys: an effect outside, so recorded as a change.
    REFRESH = "RefreshIssuer", "issuer.refresh", Issuer, Write, Caller;
}
