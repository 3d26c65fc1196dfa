//! A key of 32 bytes in a file that only its owner can read.
//!
//! The file is read at every use and not kept in memory: it is used a few times in the life of a process. Blobs name the
//! key by a fingerprint, so the file may move, and a wrong file is told from a changed blob.

mod create;
mod read;
#[cfg(test)]
mod tests;

pub use read::KeyFileError;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use keyward_sdk::{
    envelope::{Context, EnvelopeKey, OVERHEAD},
    secret::{Key32, Secret},
    wrapper::{BuiltIn, Capabilities, Description, Fault, KeyWrapper, SettingKey, WrapError, Wrapped},
};

use crate::MAX_PLAINTEXT;

const KIND: &str = "key-file";
const PURPOSE: &str = "kms-soft key file";
/// A file is read in microseconds, unless it lies on a network mount that hangs.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) const BUILT_IN: BuiltIn = BuiltIn {
    kind: KIND,
    keys: &[SettingKey {
        name: "path",
        required: true,
        secret: false,
        help: "the file with 32 random bytes, mode 0600 or 0400, owned by the user that the broker runs as",
    }],
    open: |settings| {
        Box::pin(async move {
            let path = settings.require(KIND, "path")?;
            Ok(Arc::new(KeyFile::new(path)) as Arc<dyn KeyWrapper>)
        })
    },
};

/// Wraps under the key in a file.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The key in the file at `path`, which is looked at when it is used.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes a new key in a new file, complete or not at all; never touches a file that is there.
    ///
    /// # Errors
    /// [`KeyFileError`], with what to do.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        create::create(path.as_ref())?;
        Ok(Self::new(path.as_ref()))
    }

    async fn key(&self) -> Result<Loaded, WrapError> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read::read(&path));
        let late = || self.fail(Fault::Timeout, "reading it takes too long; does the disk or the network mount hang?");
        let key = tokio::time::timeout(PATIENCE, read).await.map_err(|_| late())?.map_err(|_| late())?;
        let key = key.map_err(|error| self.fail(Fault::KeyState, error.to_string()))?;
        Ok(Loaded { id: fingerprint(&key), envelope: EnvelopeKey::new(&key) })
    }

    fn fail(&self, fault: Fault, detail: impl Into<String>) -> WrapError {
        WrapError::new(fault, KIND, self.path.display().to_string(), detail)
    }
}

struct Loaded {
    id: String,
    envelope: EnvelopeKey,
}

impl Loaded {
    fn context(&self) -> Context<'_> {
        Context { purpose: PURPOSE, tenant: [0; 16], key_id: self.id.as_bytes() }
    }
}

/// Names a key without telling anything of it: 16 hex digits derived from it for nothing else.
fn fingerprint(key: &Key32) -> String {
    let tag = keyward_sdk::crypto::hmac::HmacKey::new(key.expose()).tag(b"kms-soft key file fingerprint");
    tag.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[async_trait]
impl KeyWrapper for KeyFile {
    fn describe(&self) -> Description {
        Description {
            kind: KIND,
            key: self.path.display().to_string(),
            region: None,
            capabilities: Capabilities {
                max_plaintext: MAX_PLAINTEXT,
                empty_plaintext: true,
                hardware_bound: false,
                interactive: false,
            },
        }
    }

    async fn wrap(&self, plaintext: &Secret, aad: &[u8]) -> Result<Wrapped, WrapError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(self.fail(Fault::Input, format!("at most {MAX_PLAINTEXT} bytes can be wrapped")));
        }
        let key = self.key().await?;
        let sealed = key.envelope.seal(&key.context(), 1, aad, plaintext.expose());
        let blob = sealed.map_err(|error| self.fail(Fault::Input, error.to_string()))?;
        Wrapped::new(KIND, key.id, blob).map_err(|error| self.fail(Fault::Input, error.to_string()))
    }

    async fn unwrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Secret, WrapError> {
        if wrapped.kind() != KIND {
            return Err(self.fail(Fault::ForeignBlob, "it was wrapped by another kind of backend"));
        }
        if wrapped.blob().len() > MAX_PLAINTEXT + OVERHEAD {
            return Err(self.fail(Fault::Input, "it is longer than anything wrapped here"));
        }
        let key = self.key().await?;
        if wrapped.key() != key.id {
            let detail = format!("it was wrapped under another key file; this one has the fingerprint {}", key.id);
            return Err(self.fail(Fault::ForeignBlob, detail));
        }
        let opened = key.envelope.open(&key.context(), 1, aad, wrapped.blob());
        opened.map_err(|error| self.fail(Fault::Integrity, error.to_string()))
    }

    async fn health(&self) -> Result<(), WrapError> {
        self.key().await.map(drop)
    }
}
