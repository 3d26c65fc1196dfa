//! Rows of `PolicyService`.

super::rows! { "PolicyService";
    /// Write one.
    PUT = "PutPolicy", "policy.write", Policy, Write, Caller;
    /// Show one.
    GET = "GetPolicy", "policy.read", Policy, Read, Caller;
    /// Show all.
    LIST = "ListPolicies", "policy.read", Policy, Read, Caller;
    /// Remove one.
    DELETE = "DeletePolicy", "policy.write", Policy, Write, Caller;
    /// Say why something is allowed or not.
    EXPLAIN = "ExplainPolicy", "policy.explain", Policy, Read, Caller;
    /// Run a table of expectations.
    TEST = "TestPolicies", "policy.explain", Policy, Read, Caller;
}
