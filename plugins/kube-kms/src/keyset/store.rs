//! The keyset on disk: sealed under a data key that any of the node's protectors opens, written whole or not at all, with
//! the one before kept beside it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use keyward_kit::cluster::{ClusterId, NodeId};
use keyward_sdk::{
    envelope::{Context, EnvelopeError, EnvelopeKey},
    secret::{Key32, SecretError},
    wrapper::{KeyWrapper, WrapError, Wrapped},
};
use tracing::warn;

use super::{CodecError, Keyset, KeysetFile, KeysetFileError, decode, encode, file::MAX_FILE, parse_keyset_file};
use crate::files;

const PURPOSE: &str = "keyset-file";
const NAME: &str = "keyset";
const PREVIOUS: &str = "keyset.previous";

/// Where a node keeps its keyset over a restart.
#[async_trait]
pub trait KeysetStore: Send + Sync + 'static {
    /// What was saved last, or none.
    ///
    /// # Errors
    /// [`StoreError`] when something is there and nothing of it can be used.
    async fn load(&self) -> Result<Option<Keyset>, StoreError>;

    /// Saves it durably: when this returns, a restart finds it.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be made durable; what was saved before stands.
    async fn save(&self, keyset: &Keyset) -> Result<(), StoreError>;

    /// Removes every copy.
    ///
    /// # Errors
    /// [`StoreError`] when a copy may be left.
    async fn wipe(&self) -> Result<(), StoreError>;
}

/// Why the keyset could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What was sealed there is no keyset.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The file is damaged.
    #[error(transparent)]
    File(#[from] KeysetFileError),
    /// The disk.
    #[error("keyset file `{0}`: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// No protector opens it.
    #[error("keyset file cannot be opened by any protector: {0}")]
    Locked(String),
    /// It is of another cluster or node.
    #[error("keyset file is of another cluster or node")]
    Misplaced,
    /// Sealing failed.
    #[error("keyset cannot be sealed: {0}")]
    Seal(#[from] EnvelopeError),
    /// A secret was too long.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A protector did not wrap the data key.
    #[error("protector failed: {0}")]
    Wrap(#[from] WrapError),
}

/// The keyset in a folder of the node's.
pub struct FileStore {
    folder: PathBuf,
    cluster: ClusterId,
    node: NodeId,
    protectors: Vec<Arc<dyn KeyWrapper>>,
}

impl FileStore {
    /// In `folder`, for one node of one cluster, opened by any of `protectors`.
    #[must_use]
    pub fn new(folder: PathBuf, cluster: ClusterId, node: NodeId, protectors: Vec<Arc<dyn KeyWrapper>>) -> Self {
        Self { folder, cluster, node, protectors }
    }

    fn aad(&self) -> Vec<u8> {
        [b"keyset".as_slice(), self.cluster.as_bytes(), self.node.as_bytes()].concat()
    }

    fn context(&self) -> Context<'_> {
        Context { purpose: PURPOSE, tenant: [0; 16], key_id: self.cluster.as_bytes() }
    }

    async fn read(&self, name: &str) -> Result<Option<Keyset>, StoreError> {
        let path = self.folder.join(name);
        let bytes = match files::read(&path, MAX_FILE).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::Io(path, error)),
        };
        let file = parse_keyset_file(&bytes)?;
        let data = self.data_key(&file.protectors).await?;
        let plain = EnvelopeKey::new(&data).open(&self.context(), 1, &self.aad(), &file.sealed)?;
        let keyset = decode(plain.expose())?;
        if keyset.place.cluster == self.cluster { Ok(Some(keyset)) } else { Err(StoreError::Misplaced) }
    }

    async fn data_key(&self, wrapped: &[Wrapped]) -> Result<Key32, StoreError> {
        let mut why = "none of those that are set wrapped it".to_owned();
        for protector in &self.protectors {
            let kind = protector.describe().kind;
            for wrapped in wrapped.iter().filter(|wrapped| wrapped.kind() == kind) {
                match protector.unwrap(wrapped, &self.aad()).await {
                    Ok(key) => return Ok(Key32::from_secret(&key)?),
                    Err(error) => why = error.to_string(),
                }
            }
        }
        Err(StoreError::Locked(why))
    }
}

#[async_trait]
impl KeysetStore for FileStore {
    async fn load(&self) -> Result<Option<Keyset>, StoreError> {
        let newest = self.read(NAME).await;
        match newest {
            Ok(Some(keyset)) => return Ok(Some(keyset)),
            Ok(None) => {}
            Err(ref error) => warn!(%error, "Keyset file cannot be used, trying the one before"),
        }
        match (newest, self.read(PREVIOUS).await) {
            (_, Ok(Some(keyset))) => Ok(Some(keyset)),
            (Err(error), _) => Err(error),
            (_, previous) => previous,
        }
    }

    async fn save(&self, keyset: &Keyset) -> Result<(), StoreError> {
        let data = Key32::random();
        let mut protectors = Vec::with_capacity(self.protectors.len());
        for protector in &self.protectors {
            protectors.push(protector.wrap(&data.to_secret(), &self.aad()).await?);
        }
        let sealed = EnvelopeKey::new(&data).seal(&self.context(), 1, &self.aad(), encode(keyset)?.expose())?;
        let bytes = KeysetFile { protectors, sealed }.encode();
        let path = self.folder.join(NAME);
        files::replace(&path, bytes, Some(self.folder.join(PREVIOUS)))
            .await
            .map_err(|error| StoreError::Io(path, error))
    }

    async fn wipe(&self) -> Result<(), StoreError> {
        for name in [NAME, PREVIOUS] {
            let path = self.folder.join(name);
            files::remove(&path).await.map_err(|error| StoreError::Io(path, error))?;
        }
        Ok(())
    }
}

/// The protector that is always there: a key file that only the owner can read. Made when it is missing.
///
/// # Errors
/// When it cannot be made.
pub fn file_protector(folder: &Path) -> Result<Arc<dyn KeyWrapper>, keyward_kms_soft::KeyFileError> {
    let path = folder.join("protector.key");
    if path.exists() {
        return Ok(Arc::new(keyward_kms_soft::KeyFile::new(path)));
    }
    Ok(Arc::new(keyward_kms_soft::KeyFile::create(path)?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{
        super::{Mode, tests::keyset},
        *,
    };

    fn store(folder: &Path) -> FileStore {
        let protector = file_protector(folder).unwrap();
        FileStore::new(folder.to_owned(), ClusterId::from_bytes([2; 16]), NodeId::from_bytes([9; 16]), vec![protector])
    }

    #[tokio::test]
    async fn a_saved_keyset_is_found_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        assert!(store(folder.path()).load().await.unwrap().is_none());
        let saved = keyset(Mode::Local, 5, 3);
        store(folder.path()).save(&saved).await.unwrap();
        let found = store(folder.path()).load().await.unwrap().unwrap();
        assert_eq!(encode(&found).unwrap().expose(), encode(&saved).unwrap().expose());
        store(folder.path()).wipe().await.unwrap();
        assert!(store(folder.path()).load().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_damaged_file_is_not_fatal_while_the_one_before_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        store.save(&keyset(Mode::Local, 5, 1)).await.unwrap();
        store.save(&keyset(Mode::Local, 6, 2)).await.unwrap();
        let path = folder.path().join(NAME);
        let good = fs::read(&path).unwrap();
        for bad in [Vec::new(), good[..good.len() / 2].to_vec(), [&good[..], b"x"].concat()] {
            fs::write(&path, bad).unwrap();
            assert_eq!(store.load().await.unwrap().unwrap().generation, 5);
        }
        fs::write(folder.path().join(PREVIOUS), b"").unwrap();
        assert!(store.load().await.is_err());
    }

    #[tokio::test]
    async fn the_key_never_lies_in_the_open_and_the_file_is_the_owners() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let saved = keyset(Mode::Local, 5, 1);
        store(folder.path()).save(&saved).await.unwrap();
        let bytes = fs::read(folder.path().join(NAME)).unwrap();
        let key = saved.versions[0].material.as_ref().unwrap().expose();
        assert!(!bytes.windows(32).any(|window| window == key));
        assert_eq!(fs::metadata(folder.path().join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_file_of_another_node_or_protector_is_refused() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        store(folder.path()).save(&keyset(Mode::Local, 5, 1)).await.unwrap();
        fs::copy(folder.path().join(NAME), other.path().join(NAME)).unwrap();
        assert!(matches!(store(other.path()).load().await, Err(StoreError::Locked(_))));
        let node = FileStore { node: NodeId::from_bytes([8; 16]), ..store(folder.path()) };
        assert!(matches!(node.load().await, Err(StoreError::Locked(_) | StoreError::Seal(_))));
    }
}
