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
    /// Add a keyring version.
    ROTATE_KEYRING = "RotateKeyring", "seal.rotate", System, Write, Caller;
}
