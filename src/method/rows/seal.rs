//! Rows of `SealService`.

super::rows! { "SealService";
    /// Initialise an empty store.
    INITIALIZE = "Initialize", "seal.initialize", System, Write, Sealed;
    /// Show the seal.
    STATUS = "GetSealStatus", "seal.status", System, Read, Sealed;
    /// Give a share.
    UNSEAL = "Unseal", "seal.unseal", System, Write, Sealed;
    /// Close.
    SEAL = "Seal", "seal.seal", System, Write, Caller;
    /// Show paths and members.
    LIST_PATHS = "ListSealPaths", "seal.read", System, Read, Caller;
    /// Say what losses the paths survive.
    DRILL = "DrillSeal", "seal.read", System, Read, Caller;
    /// Add or replace a path.
    PUT_PATH = "PutSealPath", "seal.write", System, Write, Caller;
    /// Remove a path.
    DELETE_PATH = "DeleteSealPath", "seal.write", System, Write, Caller;
    /// Make a new root.
    ROTATE_ROOT = "RotateRootKey", "seal.rotate", System, Write, Caller;
    /// Add a keyring version.
    ROTATE_KEYRING = "RotateKeyring", "seal.rotate", System, Write, Caller;
    /// Make an operator token.
    RECOVER = "Recover", "seal.recover", System, Write, Sealed;
    /// Show the installation.
    INSTALLATION = "GetStatus", "system.read", System, Read, Caller;
}
