//! What a seal member is: something outside the store that wraps a share and gives it back. One crate a kind.

mod error;
mod settings;
mod wrapped;

pub use error::{Fault, WrapError};
pub use settings::{BuiltIn, Opening, SettingKey, Settings};
pub use wrapped::{Wrapped, WrappedError};

use async_trait::async_trait;

use crate::secret::Secret;

/// What a wrapper can do, said by itself and pinned by its conformance test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The longest plaintext it takes, in bytes.
    pub max_plaintext: usize,
    /// Whether an empty plaintext can be wrapped.
    pub empty_plaintext: bool,
    /// Whether the key never leaves a device or service (an HSM, a TPM, a cloud).
    pub hardware_bound: bool,
    /// Whether unwrapping needs a person at the keyboard.
    pub interactive: bool,
}

/// What a wrapper is, for status, logs and metrics. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The kind of backend, as settings name it.
    pub kind: &'static str,
    /// The key in the backend: an ARN, a resource name, a file.
    pub key: String,
    /// Where the key lives, if the backend has regions.
    pub region: Option<String>,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// Wraps and unwraps small secrets under a key that it owns.
///
/// Implementations bind the associated data, never block the thread they are called on, and put a deadline on every call
/// to the outside. Every one passes `keyward_sdk::conformance`.
#[async_trait]
pub trait KeyWrapper: Send + Sync + 'static {
    /// What this is. Does not touch the backend.
    fn describe(&self) -> Description;

    /// Wraps `plaintext`, bound to `aad`.
    async fn wrap(&self, plaintext: &Secret, aad: &[u8]) -> Result<Wrapped, WrapError>;

    /// Gives back what was wrapped, if it was wrapped here, under this key, with the same `aad`, and nothing was changed.
    async fn unwrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Secret, WrapError>;

    /// Whether the backend can be used now, found out as cheaply as it can be.
    async fn health(&self) -> Result<(), WrapError>;
}
