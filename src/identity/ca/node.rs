//! Certificates of nodes. Who the node is comes from the broker; from the request come the public key and the proof that
//! the node has the other half, and nothing else.

use keyward_sdk::{
    crypto::{asymmetric::KeyKind, digest::sha256, spki},
    time::{Span, Timestamp},
};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, PublicKeyData, SanType, SignatureAlgorithm};
use rustls_pki_types::CertificateDer;
use x509_parser::{
    certification_request::X509CertificationRequest,
    prelude::{FromDer, X509Certificate},
};

use super::{Authority, CaError, authority::params};
use crate::identity::{NodeIdentity, certificate::node_uri};

/// How long a node certificate lives. Nodes renew at half of it.
pub const NODE_LIFE: Span = Span::from_days(7);
/// The most bytes of a request.
const MAX_REQUEST_BYTES: usize = 4 << 10;

/// A node certificate.
#[derive(Debug)]
pub struct IssuedNode {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// When its time began.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// The SHA-256 of its public key (SPKI).
    pub key: [u8; 32],
}

impl Authority {
    /// Makes a certificate for this node, with the key of a PKCS#10 request.
    ///
    /// # Errors
    /// [`CaError::Request`] when the request does not prove its key.
    pub fn issue_node(&self, node: &NodeIdentity, request: &[u8], now: Timestamp) -> Result<IssuedNode, CaError> {
        let key = proven_key(request)?;
        let mut params = params(&format!("{}/{}", node.cluster, node.node), now, NODE_LIFE)?;
        let uri = node_uri(node).as_str().try_into().map_err(super::authority::issue)?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let second = |at: time::OffsetDateTime| Timestamp::from_secs(u64::try_from(at.unix_timestamp()).unwrap_or(0));
        let (not_before, not_after) = (second(params.not_before), second(params.not_after));
        let certificate = self.sign(&params, &key)?;
        let spki = X509Certificate::from_der(&certificate).map(|(_, made)| sha256(made.public_key().raw));
        let key = spki.map_err(|error| CaError::Issue(error.to_string()))?;
        Ok(IssuedNode { certificate, not_before, not_after, key })
    }
}

struct ProvenKey {
    raw: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

impl PublicKeyData for ProvenKey {
    fn der_bytes(&self) -> &[u8] {
        &self.raw
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

fn proven_key(request: &[u8]) -> Result<ProvenKey, CaError> {
    if request.len() > MAX_REQUEST_BYTES {
        return Err(CaError::Request("it is longer than 4 KiB"));
    }
    let (rest, parsed) =
        X509CertificationRequest::from_der(request).map_err(|_| CaError::Request("it is no PKCS#10 request"))?;
    if !rest.is_empty() {
        return Err(CaError::Request("something follows it"));
    }
    let encoded = parsed.certification_request_info.subject_pki.raw;
    let unfit = CaError::Request("its key is none of ECDSA P-256, ECDSA P-384 and Ed25519");
    let (kind, algorithm) = match spki::kind_of(encoded) {
        Ok(kind @ KeyKind::EcdsaP256) => (kind, &rcgen::PKCS_ECDSA_P256_SHA256),
        Ok(kind @ KeyKind::EcdsaP384) => (kind, &rcgen::PKCS_ECDSA_P384_SHA384),
        Ok(kind @ KeyKind::Ed25519) => (kind, &rcgen::PKCS_ED25519),
        _ => return Err(unfit),
    };
    parsed.verify_signature().map_err(|_| CaError::Request("it is not signed with the key that it brings"))?;
    let raw = spki::decode(kind, encoded).map_err(|_| unfit)?.to_vec();
    Ok(ProvenKey { raw, algorithm })
}
