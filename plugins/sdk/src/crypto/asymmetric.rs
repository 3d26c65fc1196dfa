//! Key pairs and signatures: Ed25519, ECDSA on P-256 and P-384, RSA.
//!
//! Private keys are PKCS#8 outside this module, public keys SubjectPublicKeyInfo. RSA costs 100 us and more: callers take it
//! off the serving thread.

use ring::{
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, KeyPair, RsaKeyPair, UnparsedPublicKey},
};

use super::{CryptoError, lc, spki};
use crate::secret::Secret;

/// The kinds of key pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// ECDSA on NIST P-256.
    EcdsaP256,
    /// ECDSA on NIST P-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::EcdsaP256, Self::EcdsaP384, Self::Ed25519, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096];

    /// The name that users see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    /// Bits of the modulus; 0 for what is not RSA.
    #[must_use]
    pub fn rsa_bits(self) -> usize {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
            Self::EcdsaP256 | Self::EcdsaP384 | Self::Ed25519 => 0,
        }
    }

    /// Whether this is an RSA key, which signs slowly and can also encrypt.
    #[must_use]
    pub fn is_rsa(self) -> bool {
        self.rsa_bits() > 0
    }
}

/// How a message is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// ECDSA with the curve's hash (SHA-256 on P-256, SHA-384 on P-384), signature in ASN.1 DER.
    EcdsaDer,
    /// The same, signature as fixed-length `r || s` (JOSE).
    EcdsaFixed,
    /// Ed25519.
    Ed25519,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaPkcs1Sha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSA-PSS with SHA-256, salt as long as the hash.
    RsaPssSha256,
    /// RSA-PSS with SHA-384, salt as long as the hash.
    RsaPssSha384,
    /// RSA-PSS with SHA-512, salt as long as the hash.
    RsaPssSha512,
}

/// Makes a new key pair and gives its private key as PKCS#8.
///
/// # Errors
/// [`CryptoError::Operation`] if the library cannot.
pub fn generate(kind: KeyKind) -> Result<Secret, CryptoError> {
    let failed = CryptoError::Operation("make key pair");
    let random = SystemRandom::new();
    let pkcs8 = match kind {
        KeyKind::EcdsaP256 => EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &random),
        KeyKind::EcdsaP384 => EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, &random),
        KeyKind::Ed25519 => signature::Ed25519KeyPair::generate_pkcs8(&random),
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => return lc::rsa_generate(kind),
    };
    Secret::copy_of(pkcs8.map_err(|_| failed)?.as_ref()).map_err(|_| failed)
}

enum Pair {
    EcdsaDer(EcdsaKeyPair),
    Ed25519(lc::Ed25519Key),
    Rsa(Box<RsaKeyPair>),
}

/// A private key ready to sign.
pub struct PrivateKey {
    kind: KeyKind,
    pair: Pair,
    /// ECDSA again with the other encoding of signatures; ring ties the encoding to the key.
    fixed: Option<EcdsaKeyPair>,
}

impl PrivateKey {
    /// Reads a private key of `kind` from PKCS#8.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if it is not one, or its parts do not fit each other.
    pub fn from_pkcs8(kind: KeyKind, pkcs8: &Secret) -> Result<Self, CryptoError> {
        let wrong = CryptoError::Key(kind.name());
        let der = pkcs8.expose();
        let ecdsa = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, der, &SystemRandom::new()).map_err(|_| wrong);
        let (pair, fixed) = match kind {
            KeyKind::EcdsaP256 => (
                Pair::EcdsaDer(ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING)?),
                Some(ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)?),
            ),
            KeyKind::EcdsaP384 => (
                Pair::EcdsaDer(ecdsa(&signature::ECDSA_P384_SHA384_ASN1_SIGNING)?),
                Some(ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING)?),
            ),
            KeyKind::Ed25519 => (Pair::Ed25519(lc::Ed25519Key::from_pkcs8(pkcs8)?), None),
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| wrong)?;
                if pair.public().modulus_len() * 8 != kind.rsa_bits() {
                    return Err(wrong);
                }
                (Pair::Rsa(Box::new(pair)), None)
            }
        };
        Ok(Self { kind, pair, fixed })
    }

    /// Which kind of key this is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public key that goes with it.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let raw = match &self.pair {
            Pair::EcdsaDer(pair) => pair.public_key().as_ref(),
            Pair::Ed25519(key) => key.public_key(),
            Pair::Rsa(pair) => pair.public().as_ref(),
        };
        PublicKey { kind: self.kind, raw: raw.to_vec() }
    }

    /// Signs `message` (which is hashed here).
    ///
    /// # Errors
    /// [`CryptoError::Scheme`] if the scheme is not of this kind of key.
    pub fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let failed = CryptoError::Operation("sign");
        let random = SystemRandom::new();
        let ecdsa = |pair: &EcdsaKeyPair| pair.sign(&random, message).map(|s| s.as_ref().to_vec()).map_err(|_| failed);
        match (&self.pair, scheme, &self.fixed) {
            (Pair::Ed25519(key), Scheme::Ed25519, _) => key.sign(message),
            (Pair::EcdsaDer(pair), Scheme::EcdsaDer, _) => ecdsa(pair),
            (Pair::EcdsaDer(_), Scheme::EcdsaFixed, Some(pair)) => ecdsa(pair),
            (Pair::Rsa(pair), scheme, _) => {
                let padding: &'static dyn signature::RsaEncoding = match scheme {
                    Scheme::RsaPkcs1Sha256 => &signature::RSA_PKCS1_SHA256,
                    Scheme::RsaPkcs1Sha384 => &signature::RSA_PKCS1_SHA384,
                    Scheme::RsaPkcs1Sha512 => &signature::RSA_PKCS1_SHA512,
                    Scheme::RsaPssSha256 => &signature::RSA_PSS_SHA256,
                    Scheme::RsaPssSha384 => &signature::RSA_PSS_SHA384,
                    Scheme::RsaPssSha512 => &signature::RSA_PSS_SHA512,
                    Scheme::EcdsaDer | Scheme::EcdsaFixed | Scheme::Ed25519 => return Err(CryptoError::Scheme),
                };
                let mut out = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut out).map_err(|_| failed)?;
                Ok(out)
            }
            (Pair::Ed25519(_) | Pair::EcdsaDer(_), _, _) => Err(CryptoError::Scheme),
        }
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({}, ..)", self.kind.name())
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    raw: Vec<u8>,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo of any kind that Keyward has.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if it is none of them.
    pub fn from_spki(der: &[u8]) -> Result<Self, CryptoError> {
        let kind = spki::kind_of(der)?;
        Ok(Self { kind, raw: spki::decode(kind, der)?.to_vec() })
    }

    /// A public key from its raw bytes: 32 bytes, an uncompressed point, or a PKCS#1 `RSAPublicKey`.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if they are not of this kind.
    pub fn from_raw(kind: KeyKind, raw: &[u8]) -> Result<Self, CryptoError> {
        let spki = spki::encode(kind, raw);
        Ok(Self { kind, raw: spki::decode(kind, &spki)?.to_vec() })
    }

    /// Which kind of key this is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The raw bytes, as [`Self::from_raw`] takes them.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The key as SubjectPublicKeyInfo.
    #[must_use]
    pub fn to_spki(&self) -> Vec<u8> {
        spki::encode(self.kind, &self.raw)
    }

    /// Checks a signature of `message` (which is hashed here).
    ///
    /// # Errors
    /// [`CryptoError::Signature`] if it is not valid, [`CryptoError::Scheme`] if the scheme is not of this kind of key.
    pub fn verify(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let algorithm: &'static dyn signature::VerificationAlgorithm = match (self.kind, scheme) {
            (KeyKind::Ed25519, Scheme::Ed25519) => &signature::ED25519,
            (KeyKind::EcdsaP256, Scheme::EcdsaDer) => &signature::ECDSA_P256_SHA256_ASN1,
            (KeyKind::EcdsaP256, Scheme::EcdsaFixed) => &signature::ECDSA_P256_SHA256_FIXED,
            (KeyKind::EcdsaP384, Scheme::EcdsaDer) => &signature::ECDSA_P384_SHA384_ASN1,
            (KeyKind::EcdsaP384, Scheme::EcdsaFixed) => &signature::ECDSA_P384_SHA384_FIXED,
            (KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096, scheme) => match scheme {
                Scheme::RsaPkcs1Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                Scheme::RsaPkcs1Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                Scheme::RsaPkcs1Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                Scheme::RsaPssSha256 => &signature::RSA_PSS_2048_8192_SHA256,
                Scheme::RsaPssSha384 => &signature::RSA_PSS_2048_8192_SHA384,
                Scheme::RsaPssSha512 => &signature::RSA_PSS_2048_8192_SHA512,
                Scheme::EcdsaDer | Scheme::EcdsaFixed | Scheme::Ed25519 => return Err(CryptoError::Scheme),
            },
            (KeyKind::Ed25519 | KeyKind::EcdsaP256 | KeyKind::EcdsaP384, _) => return Err(CryptoError::Scheme),
        };
        UnparsedPublicKey::new(algorithm, &self.raw).verify(message, signature).map_err(|_| CryptoError::Signature)
    }
}
