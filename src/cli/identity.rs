//! An ephemeral key and certificate, to which tokens are bound: a copied token is of no use elsewhere.

use keyward_sdk::secret::SecretString;
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use super::CliError;

/// A key made for one login.
pub(super) struct Ephemeral {
    /// Self-signed, PEM. Says nothing: only its key counts.
    pub certificate: String,
    /// PKCS#8, PEM.
    pub key: SecretString,
}

impl Ephemeral {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(super) fn make() -> Result<Self, CliError> {
        let fail = |error: rcgen::Error| CliError::other("making a key for this login", error);
        let pair = KeyPair::generate().map_err(fail)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let certificate = params.self_signed(&pair).map_err(fail)?.pem();
        let key =
            SecretString::new(pair.serialize_pem()).map_err(|e| CliError::other("making a key for this login", e))?;
        Ok(Self { certificate, key })
    }
}
