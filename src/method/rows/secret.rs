//! Rows of `SecretService`.

super::rows! { "SecretService";
    /// Write a version.
    PUT = "PutSecret", "secret.write", Secret, Write, Caller;
    /// Read a version.
    GET = "GetSecret", "secret.read", Secret, Read, Caller;
    /// List names.
    LIST = "ListSecrets", "secret.list", Secret, Read, Caller;
    /// Read metadata.
    METADATA = "GetSecretMetadata", "secret.list", Secret, Read, Caller;
    /// Change metadata.
    UPDATE_METADATA = "UpdateSecretMetadata", "secret.write", Secret, Write, Caller;
    /// Hide versions.
    DELETE = "DeleteSecret", "secret.delete", Secret, Write, Caller;
    /// Bring hidden versions back.
    UNDELETE = "UndeleteSecret", "secret.delete", Secret, Write, Caller;
    /// Remove values for good.
    DESTROY = "DestroySecret", "secret.destroy", Secret, Write, Caller;
}
