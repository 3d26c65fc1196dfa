//! The key that the seal keeps.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use keyward_sdk::{
    envelope::{Context, EnvelopeKey},
    secret::{Key32, Secret},
};

use super::VaultError;
use crate::method::TenantId;

keyward_sdk::secret_key! {
    /// The root key: wraps the system keyring, and nothing else.
    pub RootKey
}

const SYSTEM_RING: Context<'static> =
    Context { purpose: "keyward/system-keyring", tenant: TenantId::SYSTEM.0, key_id: b"root" };

impl RootKey {
    /// Seals the system keyring.
    pub(super) fn seal_ring(&self, counter: u64, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.envelope().seal(&SYSTEM_RING, 1, &counter.to_be_bytes(), plain).map_err(failed)
    }

    fn open_ring(&self, counter: u64, sealed: &[u8]) -> Result<Secret, VaultError> {
        self.envelope().open(&SYSTEM_RING, 1, &counter.to_be_bytes(), sealed).map_err(failed)
    }

    fn envelope(&self) -> EnvelopeKey {
        EnvelopeKey::new(&Key32::copy_of(self.expose()))
    }
}

fn failed(error: keyward_sdk::envelope::EnvelopeError) -> VaultError {
    VaultError::Sealed { place: "the system keyring".to_owned(), error }
}

/// The root in force, and the one that a commit under way brings. Whether that commit was made is seen in the store alone:
/// the keyring that it wrote opens under the new root.
pub(super) struct Roots {
    current: ArcSwap<RootKey>,
    coming: Mutex<Option<Arc<RootKey>>>,
}

impl Roots {
    pub(super) fn new(root: RootKey) -> Self {
        Self { current: ArcSwap::from_pointee(root), coming: Mutex::default() }
    }

    pub(super) fn current(&self) -> Arc<RootKey> {
        self.current.load_full()
    }

    /// Says before a commit which root it brings.
    pub(super) fn announce(&self, root: Arc<RootKey>) {
        *self.coming() = Some(root);
    }

    /// Says that the commit was not made.
    pub(super) fn withdraw(&self) {
        *self.coming() = None;
    }

    /// Opens the system keyring. If only the announced root opens it, that is in force from now on.
    pub(super) fn open_ring(&self, counter: u64, sealed: &[u8]) -> Result<Secret, VaultError> {
        let mut coming = self.coming();
        let Some(announced) = coming.as_ref() else { return self.current.load().open_ring(counter, sealed) };
        if let Ok(opened) = announced.open_ring(counter, sealed) {
            self.current.store(Arc::clone(announced));
            *coming = None;
            return Ok(opened);
        }
        self.current.load().open_ring(counter, sealed)
    }

    fn coming(&self) -> std::sync::MutexGuard<'_, Option<Arc<RootKey>>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
