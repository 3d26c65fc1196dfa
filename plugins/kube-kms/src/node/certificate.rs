//! The node's key and certificate.

use std::{path::Path, sync::Arc};

use data_encoding::BASE64;
use keyward_kit::tls::{TlsError, certified_key};
use keyward_sdk::{
    secret::{Secret, SecretError},
    time::Timestamp,
};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    pki_types::{CertificateDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

/// A key pair of the node that has no certificate yet.
pub struct NodeKey(KeyPair);

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeKey(..)")
    }
}

/// A node's certificate with its key.
#[derive(Debug)]
pub struct NodeCertificate {
    pem: Secret,
    certified: Arc<CertifiedKey>,
    /// From when on it is good.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// Grows with each renewal.
    pub generation: u64,
}

/// Why a key or certificate is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate cannot be read.
    #[error("node certificate cannot be read: {0}")]
    Certificate(String),
    /// The key or the request could not be made.
    #[error("node key: {0}")]
    Key(#[from] rcgen::Error),
    /// A secret was too long.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Key and certificate do not fit.
    #[error("node certificate: {0}")]
    Tls(#[from] TlsError),
}

impl NodeKey {
    /// A new key, ECDSA on P-256.
    ///
    /// # Errors
    /// If the library refuses.
    pub fn generate() -> Result<Self, CertificateError> {
        Ok(Self(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?))
    }

    /// A request for a certificate, in DER. It names nothing: names come from the broker.
    ///
    /// # Errors
    /// If the library refuses.
    pub fn request(&self) -> Result<Vec<u8>, CertificateError> {
        Ok(CertificateParams::new(Vec::new())?.serialize_request(&self.0)?.der().to_vec())
    }

    /// The key with the certificate that was made for it.
    ///
    /// # Errors
    /// [`CertificateError`] if it was made for another key.
    pub fn certified(
        self,
        certificate: &[u8],
        ca: &[u8],
        generation: u64,
    ) -> Result<NodeCertificate, CertificateError> {
        let key = Zeroizing::new(self.0.serialize_der());
        let mut pem = Zeroizing::new(String::with_capacity(8 << 10)); // room for all, so no copy stays behind
        block(&mut pem, "CERTIFICATE", certificate);
        block(&mut pem, "CERTIFICATE", ca);
        block(&mut pem, "PRIVATE KEY", &key);
        NodeCertificate::from_pem(Secret::copy_of(pem.as_bytes())?, generation)
    }
}

fn block(pem: &mut String, kind: &str, der: &[u8]) {
    let text = Zeroizing::new(BASE64.encode(der));
    pem.push_str(&format!("-----BEGIN {kind}-----\n"));
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {kind}-----\n"));
}

impl NodeCertificate {
    /// Reads certificate, CA and key.
    ///
    /// # Errors
    /// [`CertificateError`] if something is missing or does not fit.
    pub fn from_pem(pem: Secret, generation: u64) -> Result<Self, CertificateError> {
        let refuse = |why: String| CertificateError::Certificate(why);
        let chain = CertificateDer::pem_slice_iter(pem.expose())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| refuse(error.to_string()))?;
        let leaf = chain.first().ok_or_else(|| refuse("there is none".to_owned()))?;
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|error| refuse(error.to_string()))?;
        let time = |at: i64| Timestamp::from_secs(u64::try_from(at).unwrap_or(0));
        let not_before = time(parsed.validity().not_before.timestamp());
        let not_after = time(parsed.validity().not_after.timestamp());
        let certified = certified_key(chain.clone(), &pem, Path::new("node.pem"))?;
        Ok(Self { certified, pem, not_before, not_after, generation })
    }

    /// Certificate, CA and key, for the disk.
    #[must_use]
    pub fn pem(&self) -> &Secret {
        &self.pem
    }

    /// When to renew it: half-way.
    #[must_use]
    pub fn renew_at(&self) -> Timestamp {
        let life = self.not_after.millis().saturating_sub(self.not_before.millis());
        Timestamp::from_millis(self.not_before.millis().saturating_add(life / 2))
    }

    /// For a TLS client.
    #[must_use]
    pub fn resolver(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::new(Fixed(Arc::clone(&self.certified)))
    }
}

#[derive(Debug)]
struct Fixed(Arc<CertifiedKey>);

impl ResolvesClientCert for Fixed {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
