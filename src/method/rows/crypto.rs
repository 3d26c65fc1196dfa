//! Rows of `CryptoService`.

super::rows! { "CryptoService";
    /// Encrypt.
    ENCRYPT = "Encrypt", "key.encrypt", Key, Read, Caller;
    /// Decrypt.
    DECRYPT = "Decrypt", "key.decrypt", Key, Read, Caller;
    /// Encrypt again without showing.
    REWRAP = "Rewrap", "key.rewrap", Key, Read, Caller;
    /// Make a data key, also in clear.
    DATA_KEY = "GenerateDataKey", "key.data_key", Key, Read, Caller;
    /// Make a data key, encrypted only.
    HIDDEN_DATA_KEY = "GenerateDataKeyWithoutPlaintext", "key.hidden_data_key", Key, Read, Caller;
    /// Sign.
    SIGN = "Sign", "key.sign", Key, Read, Caller;
    /// Check a signature.
    VERIFY = "Verify", "key.verify", Key, Read, Caller;
    /// Make an authentication code.
    MAC = "Mac", "key.mac", Key, Read, Caller;
    /// Check an authentication code.
    VERIFY_MAC = "VerifyMac", "key.verify_mac", Key, Read, Caller;
    /// Give random bytes.
    RANDOM = "GenerateRandom", "key.random", Key, Read, Caller;
    /// Encrypt many.
    BATCH_ENCRYPT = "BatchEncrypt", "key.encrypt", Key, Read, Caller;
    /// Decrypt many.
    BATCH_DECRYPT = "BatchDecrypt", "key.decrypt", Key, Read, Caller;
}
