//! An authority: its key and its certificate.

use keyward_sdk::{
    crypto::{
        asymmetric::{KeyKind, PrivateKey, Scheme, generate},
        digest::sha256,
        random,
    },
    secret::{Secret, serde_exposed},
    time::{Span, Timestamp},
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyUsagePurpose, PublicKeyData,
    SerialNumber, SignatureAlgorithm, SigningKey,
};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::CaError;
use crate::keyring::ControlType;

/// How long an authority lives. It is replaced by command long before.
const LIFE: Span = Span::from_days(3_650);
/// How much earlier a certificate's time begins, for clocks that are a little late.
/// How long before it is made the time of a certificate begins, for clocks that are behind.
pub(in crate::identity) const BACKDATE: Span = Span::from_minutes(5);

/// An authority as it is stored, sealed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityRecord {
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Its private key, PKCS#8.
    #[serde(with = "serde_exposed")]
    pub key: Secret,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ControlType for AuthorityRecord {
    const KIND: &'static str = "authority";
}

/// An authority in use.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, Key>,
    key_hash: [u8; 32],
}

impl Authority {
    /// Makes an authority of this name, to be stored.
    ///
    /// # Errors
    /// [`CaError`] when the libraries refuse.
    pub fn make(name: &str, now: Timestamp) -> Result<AuthorityRecord, CaError> {
        let pkcs8 = generate(KeyKind::EcdsaP256).map_err(|error| CaError::Authority(error.to_string()))?;
        let key = Key::read(&pkcs8)?;
        let mut params = params(name, now, LIFE)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(issue)?;
        Ok(AuthorityRecord { certificate: certificate.der().to_vec(), key: pkcs8, created_at: now })
    }

    /// Puts a stored authority to use.
    ///
    /// # Errors
    /// [`CaError::Authority`] when key and certificate cannot be read or do not belong together.
    pub fn load(record: &AuthorityRecord) -> Result<Self, CaError> {
        let certificate = CertificateDer::from(record.certificate.clone());
        let key = Key::read(&record.key)?;
        let spki = key.subject_public_key_info();
        let key_hash =
            keyward_kit::tls::spki_sha256(&certificate).map_err(|error| CaError::Authority(error.to_string()))?;
        if key_hash != sha256(&spki) {
            return Err(CaError::Authority("its certificate is for another key".to_owned()));
        }
        let issuer =
            Issuer::from_ca_cert_der(&certificate, key).map_err(|error| CaError::Authority(error.to_string()))?;
        Ok(Self { certificate, issuer, key_hash })
    }

    /// Its certificate.
    #[must_use]
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The SHA-256 of its public key (SPKI), for join strings.
    #[must_use]
    pub const fn key_hash(&self) -> &[u8; 32] {
        &self.key_hash
    }

    pub(super) fn sign(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<CertificateDer<'static>, CaError> {
        params.signed_by(key, &self.issuer).map(Into::into).map_err(issue)
    }
}

/// A key that signs certificates; the library never sees its bytes.
pub(super) struct Key {
    private: PrivateKey,
    public: Vec<u8>,
}

impl Key {
    pub(super) fn read(pkcs8: &Secret) -> Result<Self, CaError> {
        let private =
            PrivateKey::from_pkcs8(KeyKind::EcdsaP256, pkcs8).map_err(|error| CaError::Authority(error.to_string()))?;
        let public = private.public_key().raw().to_vec();
        Ok(Self { private, public })
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.private.sign(Scheme::EcdsaDer, message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// What all certificates share: a name, a random serial number, a time that began a little while ago.
pub(super) fn params(name: &str, now: Timestamp, life: Span) -> Result<CertificateParams, CaError> {
    let mut params = CertificateParams::default();
    params.not_before = moment(now.saturating_sub(BACKDATE))?;
    params.not_after = moment(now.saturating_add(life))?;
    let mut serial: [u8; 16] = random::array();
    serial[0] = serial[0] & 0x7f | 0x40; // positive, and always of the same length
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn moment(at: Timestamp) -> Result<OffsetDateTime, CaError> {
    let seconds = i64::try_from(at.as_secs()).ok();
    seconds
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or_else(|| CaError::Issue("the clock is out of range".to_owned()))
}

pub(super) fn issue(error: rcgen::Error) -> CaError {
    CaError::Issue(error.to_string())
}
