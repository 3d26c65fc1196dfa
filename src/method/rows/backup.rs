//! Rows of `BackupService`.

super::rows! { "BackupService";
    /// Hand the whole store out, sealed as it is.
    CREATE = "CreateBackup", "backup.create", System, Write, Caller;
}
