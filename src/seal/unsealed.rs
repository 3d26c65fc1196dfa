//! The proof that the seal is open.

use super::{InstallationId, Name, OpenError, SealRecord};
use crate::keyring::RootKey;

/// Proof that the root key was opened and has verified the seal record. Made by [`super::open`] and
/// [`super::Progress`] alone.
///
/// ```compile_fail
/// # use keyward::{keyring::RootKey, seal::Unsealed};
/// let forged = Unsealed { root: RootKey::random() }; // the fields are private
/// ```
/// ```compile_fail
/// # use keyward::seal::{SealRecord, Unsealed};
/// # fn f(record: &SealRecord) {
/// let forged = Unsealed::prove(record, keyward::keyring::RootKey::random(), todo!()); // so is the constructor
/// # }
/// ```
/// ```compile_fail
/// # fn f(proof: keyward::seal::Unsealed) {
/// let copy = proof.clone(); // one proof, one root
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the root key was opened to be used"]
pub struct Unsealed {
    root: RootKey,
    installation: InstallationId,
    path: Name,
}

impl Unsealed {
    /// The one constructor: the root must have written the record.
    pub(super) fn prove(record: &SealRecord, root: RootKey, path: Name) -> Result<Self, OpenError> {
        record.verify(&root)?;
        Ok(Self { root, installation: record.installation(), path })
    }

    /// Which installation was opened.
    #[must_use]
    pub fn installation(&self) -> InstallationId {
        self.installation
    }

    /// The path that opened it.
    #[must_use]
    pub fn path(&self) -> &Name {
        &self.path
    }

    /// The root key.
    #[must_use]
    pub fn root(&self) -> &RootKey {
        &self.root
    }

    /// Gives the root key to whoever opens the keyrings with it.
    #[must_use]
    pub fn into_root(self) -> RootKey {
        self.root
    }
}
