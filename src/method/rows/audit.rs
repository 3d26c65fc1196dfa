//! Rows of `AuditService`.

super::rows! { "AuditService";
    /// Follow records.
    TAIL = "TailAudit", "audit.read", Audit, Read, Caller;
    /// Show one record.
    GET = "GetAuditRecord", "audit.read", Audit, Read, Caller;
    /// Show all logs.
    LOGS = "ListAuditLogs", "audit.read", Audit, Read, Caller;
    /// Show a checkpoint.
    CHECKPOINT = "GetCheckpoint", "audit.read", Audit, Read, Caller;
}
