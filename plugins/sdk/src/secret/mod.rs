//! Types for secret bytes: never cloned, never printed, wiped when dropped, compared in constant time, and read only
//! through `.expose()`, the word a reviewer searches for.
//!
//! ```compile_fail
//! let secret = keyward_sdk::secret::Secret::random(16);
//! let copy = secret.clone(); // a secret has one owner
//! ```
//! ```compile_fail
//! let a = keyward_sdk::secret::Secret::random(16);
//! let b = keyward_sdk::secret::Secret::random(16);
//! assert!(a == b); // `same_as` compares in constant time
//! ```
//! ```compile_fail
//! let secret = keyward_sdk::secret::Secret::random(16);
//! println!("{secret}"); // no Display; Debug is redacted
//! ```
//! ```compile_fail
//! let key = keyward_sdk::secret::Key32::random();
//! let bytes: &[u8] = key.as_ref(); // the only door is `expose`
//! ```
//! ```compile_fail
//! #[derive(serde::Serialize)]
//! struct Stored {
//!     secret: keyward_sdk::secret::Secret, // needs `#[serde(with = "keyward_sdk::secret::serde_exposed")]`
//! }
//! ```

mod bytes;
mod key;
pub mod serde_exposed;
mod text;

pub use bytes::{Secret, SecretError};
pub use key::Key32;
pub use text::SecretString;

pub use crate::secret_key;

/// Compares in constant time; unequal lengths are simply unequal.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(a, b).into()
}
