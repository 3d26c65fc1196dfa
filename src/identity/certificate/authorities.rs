//! The authorities that may vouch for a client, and what their word means.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use arc_swap::ArcSwap;
use keyward_sdk::{crypto::digest::sha256, time::Timestamp};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{
    names::{Named, named},
    peer::{Class, PeerCertificate},
};
use crate::{identity::IdentityError, method::TenantId};

/// The most certificates of a chain, and bytes of one.
const MAX_CHAIN: usize = 8;
const MAX_CERTIFICATE_BYTES: usize = 16 << 10;

/// An authority that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("certificate of an authority cannot be used: {0}")]
pub struct AuthorityError(String);

type Anchors = Arc<[TrustAnchor<'static>]>;

/// The authorities, hot: the configured ones, and each tenant's for nodes.
pub struct ClientAuthorities {
    configured: ArcSwap<Vec<TrustAnchor<'static>>>,
    nodes: ArcSwap<HashMap<TenantId, Anchors>>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl Default for ClientAuthorities {
    fn default() -> Self {
        let provider = rustls::crypto::ring::default_provider();
        let algorithms = provider.signature_verification_algorithms.all;
        Self { configured: ArcSwap::default(), nodes: ArcSwap::default(), algorithms }
    }
}

impl ClientAuthorities {
    /// Replaces the configured authorities.
    ///
    /// # Errors
    /// [`AuthorityError`] when one cannot be used; nothing is replaced then.
    pub fn set_configured(&self, certificates: &[CertificateDer<'_>]) -> Result<(), AuthorityError> {
        self.configured.store(Arc::new(anchors(certificates)?));
        Ok(())
    }

    /// Replaces a tenant's node authorities; with none, its nodes are strangers.
    ///
    /// # Errors
    /// [`AuthorityError`] when one cannot be used; nothing is replaced then.
    pub fn set_nodes(&self, tenant: TenantId, certificates: &[CertificateDer<'_>]) -> Result<(), AuthorityError> {
        let anchors: Anchors = anchors(certificates)?.into();
        self.nodes.rcu(|nodes| {
            let mut nodes = HashMap::clone(nodes);
            if anchors.is_empty() {
                nodes.remove(&tenant)
            } else {
                nodes.insert(tenant, Arc::clone(&anchors))
            };
            nodes
        });
        Ok(())
    }

    /// Looks at the certificates of a connection, the peer's own first. The connection must have proven that the peer has
    /// the key.
    ///
    /// # Errors
    /// [`IdentityError::CertificateUnknown`] for what is no certificate at all, or larger than any is.
    pub fn classify(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Result<PeerCertificate, IdentityError> {
        let unknown = IdentityError::CertificateUnknown;
        let (own, others) = chain.split_first().ok_or(unknown)?;
        if chain.len() > MAX_CHAIN || chain.iter().any(|certificate| certificate.len() > MAX_CERTIFICATE_BYTES) {
            return Err(unknown);
        }
        let (rest, parsed) = X509Certificate::from_der(own).map_err(|_| unknown)?;
        if !rest.is_empty() {
            return Err(unknown);
        }
        let not_before = seconds(parsed.validity().not_before.timestamp());
        let not_after = seconds(parsed.validity().not_after.timestamp());
        let class = match named(&parsed) {
            // At a moment within its own time: an expired node certificate is still a node's, see `node`.
            Named::Node(node)
                if self.is_node(own, others, node.tenant, now.clamp(not_before, not_after.max(not_before))) =>
            {
                Class::Node(node)
            }
            Named::Subject(subject) if self.is_from(&self.configured.load(), own, others, now) => {
                Class::Configured(subject.into())
            }
            _ => Class::Unverified { own: parsed.issuer().as_raw() == parsed.subject().as_raw() },
        };
        let key_hash = sha256(parsed.public_key().raw);
        Ok(PeerCertificate { key_hash, class, not_before, not_after, caller: OnceLock::new() })
    }

    fn is_node(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        tenant: TenantId,
        at: Timestamp,
    ) -> bool {
        self.nodes.load().get(&tenant).is_some_and(|anchors| self.is_from(anchors, own, others, at))
    }

    fn is_from(
        &self,
        anchors: &[TrustAnchor<'static>],
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        at: Timestamp,
    ) -> bool {
        let Ok(certificate) = EndEntityCert::try_from(own) else { return false };
        let at = UnixTime::since_unix_epoch(Duration::from_millis(at.millis()));
        !anchors.is_empty()
            && certificate
                .verify_for_usage(self.algorithms, anchors, others, at, KeyUsage::client_auth(), None, None)
                .is_ok()
    }
}

fn anchors(certificates: &[CertificateDer<'_>]) -> Result<Vec<TrustAnchor<'static>>, AuthorityError> {
    let anchor =
        |der| anchor_from_trusted_cert(der).map(|anchor| anchor.to_owned()).map_err(|e| AuthorityError(e.to_string()));
    certificates.iter().map(anchor).collect()
}

fn seconds(unix: i64) -> Timestamp {
    Timestamp::from_secs(u64::try_from(unix).unwrap_or(0))
}
