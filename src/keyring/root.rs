//! The key that the seal keeps.

keyward_sdk::secret_key! {
    /// The root key: wraps the system keyring, and nothing else.
    pub RootKey
}
