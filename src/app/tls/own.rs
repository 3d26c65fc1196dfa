//! The certificate of the broker's own authority.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use keyward_kit::tls::provider;
use keyward_sdk::time::{SharedClock, Timestamp};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tracing::{info, warn};

use crate::{
    app::BuildError,
    engine::certificate::ServeCertificate,
    identity::ca::{Authority, IssuedServer},
};

/// What serves the certificate of the broker's own authority. It is also kept beside the store, so that a sealed broker
/// can be reached by those who unseal it.
#[derive(Debug)]
pub(super) struct OwnCertificate {
    served: ArcSwap<CertifiedKey>,
    renew_at: Mutex<Timestamp>,
    file: Option<PathBuf>,
}

impl OwnCertificate {
    /// What was kept, or else one of an authority that nobody knows: enough to be initialised over TLS by someone who
    /// does not check it, e.g. on the same machine.
    pub(super) fn load(file: Option<PathBuf>, names: &[String], clock: &SharedClock) -> Result<Self, BuildError> {
        let kept = file.as_deref().and_then(|file| std::fs::read(file).ok()).and_then(|pem| read(&pem));
        let served = match kept {
            Some(kept) => kept,
            None => {
                let other = |error: &dyn std::fmt::Display| BuildError::Other(format!("making a certificate: {error}"));
                let now = clock.now();
                let record = Authority::make("keyward, not initialised", now).map_err(|e| other(&e))?;
                let issued = Authority::load(&record).and_then(|authority| authority.issue_server(names, now));
                certified(&issued.map_err(|e| other(&e))?).map_err(|e| other(&e))?
            }
        };
        let renew_at = Mutex::new(Timestamp::from_millis(0));
        Ok(Self { served: ArcSwap::from_pointee(served), renew_at, file })
    }

    /// The certificate in use.
    pub(super) fn current(&self) -> Arc<CertifiedKey> {
        self.served.load_full()
    }
}

impl ServeCertificate for OwnCertificate {
    fn serve(&self, issued: &IssuedServer) {
        match certified(issued) {
            Ok(key) => {
                self.served.store(Arc::new(key));
                *self.renew_at.lock().unwrap_or_else(PoisonError::into_inner) = issued.renew_at;
                info!(renew_at = %issued.renew_at, "Serving a certificate of the broker's own authority");
            }
            Err(error) => warn!(%error, "Certificate of the broker's own authority cannot be served"),
        }
        if let Some(file) = &self.file
            && let Err(error) = keep(file, issued)
        {
            warn!(%error, file = %file.display(), "Certificate not kept for the next start");
        }
    }

    fn renew_at(&self) -> Timestamp {
        *self.renew_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn certified(issued: &IssuedServer) -> Result<CertifiedKey, rustls::Error> {
    let key = PrivateKeyDer::Pkcs8(issued.key.expose().to_vec().into());
    CertifiedKey::from_der(issued.chain.clone(), key, &provider())
}

fn read(pem: &[u8]) -> Option<CertifiedKey> {
    use rustls_pki_types::pem::PemObject;
    let chain =
        CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok().filter(|chain| !chain.is_empty())?;
    let key = PrivateKeyDer::from_pem_slice(pem).ok()?;
    CertifiedKey::from_der(chain, key, &provider()).ok()
}

fn keep(file: &std::path::Path, issued: &IssuedServer) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut text = zeroize::Zeroizing::new(String::new());
    let mut block = |label: &str, der: &[u8]| {
        let body = zeroize::Zeroizing::new(data_encoding::BASE64.encode(der));
        text.push_str(&format!("-----BEGIN {label}-----\n"));
        for line in body.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push_str(&format!("-----END {label}-----\n"));
    };
    issued.chain.iter().for_each(|certificate| block("CERTIFICATE", certificate));
    block("PRIVATE KEY", issued.key.expose());
    let fresh = file.with_extension("new");
    // One that a crash left behind.
    let _none = std::fs::remove_file(&fresh);
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(&fresh, file)
}
