//! The certificate authorities of an issuer that no public authority vouches for.

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::{Deserialize, Serialize};

/// The longest PEM text that is taken, in bytes.
const MAX_BYTES: usize = 64 << 10;
/// The most certificates that it may have.
const MAX_CERTIFICATES: usize = 32;

/// Certificates of authorities, as PEM text (RFC 7468): 1 to 32 in at most 64 KiB. They are trusted for one issuer's
/// documents, and the system's are then not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Authorities(String);

impl Authorities {
    /// The text as it was given.
    #[must_use]
    pub fn as_pem(&self) -> &str {
        &self.0
    }

    /// What a TLS client takes; empty, and so trusting nobody, if the text cannot be read.
    pub(super) fn roots(&self) -> RootCertStore {
        read(&self.0).unwrap_or_else(|_| RootCertStore::empty())
    }
}

impl TryFrom<String> for Authorities {
    type Error = &'static str;
    fn try_from(pem: String) -> Result<Self, Self::Error> {
        read(&pem).map(|_| Self(pem))
    }
}

impl From<Authorities> for String {
    fn from(authorities: Authorities) -> Self {
        authorities.0
    }
}

fn read(pem: &str) -> Result<RootCertStore, &'static str> {
    if pem.len() > MAX_BYTES {
        return Err("at most 64 KiB are allowed");
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| "what is between BEGIN and END cannot be read as PEM")?;
        roots.add(certificate).map_err(|_| "one of them is no X.509 certificate")?;
        if roots.len() > MAX_CERTIFICATES {
            return Err("at most 32 certificates are allowed");
        }
    }
    if roots.is_empty() { Err("no certificate is in it; give it as PEM") } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused_with_what_it_is() {
        let made = rcgen::generate_simple_self_signed(["ci.internal".to_owned()]).unwrap();
        let pem = made.cert.pem();
        assert_eq!(Authorities::try_from(pem.clone()).unwrap().roots().len(), 1);
        assert_eq!(Authorities::try_from(format!("{pem}{pem}")).unwrap().roots().len(), 2);
        let key = made.signing_key.serialize_pem();
        let garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
        let cut = pem.replace("-----END CERTIFICATE-----", "");
        for wrong in [String::new(), "ca.pem".to_owned(), key, garbled, cut, pem.repeat(33), "x".repeat(MAX_BYTES + 1)]
        {
            assert!(Authorities::try_from(wrong.clone()).is_err(), "{}", &wrong[..wrong.len().min(100)]);
        }
    }
}
