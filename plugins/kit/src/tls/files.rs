//! A certificate and its key in files, looked at again from time to time.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use keyward_sdk::secret::Secret;
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    crypto::ring::sign::any_supported_type,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::TlsError;
use crate::settings::read_private;

/// No file of certificates is larger.
const MAX_PEM: u64 = 1 << 20;

/// Where a certificate and its key lie, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CertificateFiles {
    /// The certificate, then those between it and the root.
    pub certificate: PathBuf,
    /// The key; no one but owner and group may read it.
    pub key: PathBuf,
}

/// What tells that a file was replaced or written to.
type Stamp = [Option<(u64, u64, i64, i64)>; 2];

/// A certificate that follows its files. Connections made after a change use the new one.
#[derive(Debug)]
pub struct Reloading {
    files: CertificateFiles,
    current: ArcSwap<CertifiedKey>,
    stamp: Mutex<Stamp>,
}

/// Reads all certificates of a PEM file.
///
/// # Errors
/// [`TlsError::Certificate`] if there is none or one is garbled.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let refuse = |why: String| TlsError::Certificate(path.to_owned(), why);
    let size = fs::metadata(path).map_err(|error| refuse(error.to_string()))?.len();
    if size > MAX_PEM {
        return Err(refuse("the file is larger than 1 MiB".to_owned()));
    }
    let bytes = fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match read {
        Ok(chain) if chain.is_empty() => Err(refuse("there is none in it".to_owned())),
        Ok(chain) => Ok(chain),
        Err(error) => Err(refuse(error.to_string())),
    }
}

/// A certificate with its key in PEM; `path` is what errors name.
///
/// # Errors
/// [`TlsError::Key`] if the key is none or does not fit.
pub fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key: &Secret,
    path: &Path,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let refuse = |why: String| TlsError::Key(path.to_owned(), why);
    let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|error| refuse(error.to_string()))?;
    let signer = any_supported_type(&key).map_err(|error| refuse(error.to_string()))?;
    let certified = CertifiedKey::new(chain, signer);
    certified.keys_match().map_err(|error| refuse(format!("it does not fit the certificate: {error}")))?;
    Ok(Arc::new(certified))
}

fn stamp(files: &CertificateFiles) -> Stamp {
    [&files.certificate, &files.key].map(|path| {
        let facts = fs::metadata(path).ok()?;
        Some((facts.ino(), facts.len(), facts.mtime(), facts.mtime_nsec()))
    })
}

fn read(files: &CertificateFiles) -> Result<Arc<CertifiedKey>, TlsError> {
    certified_key(read_certificates(&files.certificate)?, &read_private(&files.key)?, &files.key)
}

impl Reloading {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// [`TlsError`] if they cannot be used.
    pub fn load(files: CertificateFiles) -> Result<Arc<Self>, TlsError> {
        let seen = stamp(&files);
        let current = ArcSwap::new(read(&files)?);
        Ok(Arc::new(Self { files, current, stamp: Mutex::new(seen) }))
    }

    /// The certificate in use.
    #[must_use]
    pub fn current(&self) -> Arc<CertifiedKey> {
        self.current.load_full()
    }

    /// Takes new files if they changed, and says whether they did. The old ones stay in use when the new ones are no good.
    ///
    /// # Errors
    /// [`TlsError`] if they changed and cannot be used; said once a change.
    pub fn check(&self) -> Result<bool, TlsError> {
        let now = stamp(&self.files);
        let mut seen = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return Ok(false);
        }
        *seen = now;
        self.current.store(read(&self.files)?);
        Ok(true)
    }

    /// Looks at the files every so often until told to stop.
    pub async fn watch(self: Arc<Self>, every: Duration, stop: CancellationToken) {
        let mut retry = false;
        while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
            if std::mem::take(&mut retry) {
                // The two files are seldom replaced at one moment: what does not fit now may fit at the next look.
                *self.stamp.lock().unwrap_or_else(PoisonError::into_inner) = [None, None];
            }
            match self.check() {
                Ok(false) => {}
                Ok(true) => info!(file = %self.files.certificate.display(), "Certificate reloaded"),
                Err(error) => {
                    retry = true;
                    warn!(%error, "New certificate cannot be used, the old one stays");
                }
            }
        }
    }
}

impl ResolvesServerCert for Reloading {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl ResolvesClientCert for Reloading {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
