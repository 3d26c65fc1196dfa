//! The certificate that the broker serves its API with, where none is configured.

use keyward_sdk::{
    crypto::asymmetric::{KeyKind, generate},
    secret::Secret,
    time::{Span, Timestamp},
};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, SanType};
use rustls_pki_types::CertificateDer;

use super::{
    Authority, CaError,
    authority::{Key, params},
};

/// How long a server certificate lives. It renews by itself at half of it.
pub const SERVER_LIFE: Span = Span::from_days(30);

/// A server certificate with its key.
#[derive(Debug)]
pub struct IssuedServer {
    /// The certificate, then the authority's, as a joining node needs it.
    pub chain: Vec<CertificateDer<'static>>,
    /// PKCS#8.
    pub key: Secret,
    /// When to make the next.
    pub renew_at: Timestamp,
}

impl Authority {
    /// Makes a key and a certificate for these names and addresses.
    ///
    /// # Errors
    /// [`CaError::Name`] for what is neither.
    pub fn issue_server(&self, names: &[String], now: Timestamp) -> Result<IssuedServer, CaError> {
        let pkcs8 = generate(KeyKind::EcdsaP256).map_err(|error| CaError::Issue(error.to_string()))?;
        let mut params = params("keyward", now, SERVER_LIFE)?;
        params.subject_alt_names = names.iter().map(|name| san(name)).collect::<Result<_, _>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = self.sign(&params, &Key::read(&pkcs8)?)?;
        let renew_at = now.saturating_add(Span::from_millis(SERVER_LIFE.millis() / 2));
        Ok(IssuedServer { chain: vec![certificate, self.certificate().clone()], key: pkcs8, renew_at })
    }
}

fn san(name: &str) -> Result<SanType, CaError> {
    let wrong = || CaError::Name(name.to_owned());
    if let Ok(address) = name.parse() {
        return Ok(SanType::IpAddress(address));
    }
    let dns = rustls_pki_types::DnsName::try_from(name).map_err(|_| wrong())?;
    dns.as_ref().try_into().map(SanType::DnsName).map_err(|_| wrong())
}
