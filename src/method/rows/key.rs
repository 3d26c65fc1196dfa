//! Rows of `KeyService`.

super::rows! { "KeyService";
    /// Make a key.
    CREATE = "CreateKey", "key.create", Key, Write, Caller;
    /// Show one.
    GET = "GetKey", "key.read", Key, Read, Caller;
    /// Show those below a folder.
    LIST = "ListKeys", "key.list", Key, Read, Caller;
    /// Change what may change.
    UPDATE = "UpdateKey", "key.update", Key, Write, Caller;
    /// Make a new version.
    ROTATE = "RotateKey", "key.rotate", Key, Write, Caller;
    /// Make a wrapping key for an import.
    IMPORT_PARAMETERS = "GetImportParameters", "key.import", Key, Write, Caller;
    /// Take material.
    IMPORT = "ImportKey", "key.import", Key, Write, Caller;
    /// Limit a version.
    SET_VERSION_STATE = "SetKeyVersionState", "key.update", Key, Write, Caller;
    /// Schedule the end of a key or a version.
    SCHEDULE_DESTRUCTION = "ScheduleKeyDestruction", "key.destroy", Key, Write, Caller;
    /// Call that off.
    CANCEL_DESTRUCTION = "CancelKeyDestruction", "key.destroy", Key, Write, Caller;
    /// Give a public key.
    PUBLIC_KEY = "GetPublicKey", "key.read", Key, Read, Caller;
}
