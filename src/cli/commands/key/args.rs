//! The words that options take.

use clap::ValueEnum;
use keyward_api::v1 as pb;

/// The type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Type {
    /// AES-256-GCM.
    #[value(name = "aes256-gcm")]
    Aes256Gcm,
    /// ChaCha20-Poly1305.
    #[value(name = "chacha20-poly1305")]
    Chacha20Poly1305,
    /// HMAC-SHA256.
    #[value(name = "hmac-sha256")]
    HmacSha256,
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256.
    #[value(name = "ecdsa-p256")]
    EcdsaP256,
    /// ECDSA on P-384.
    #[value(name = "ecdsa-p384")]
    EcdsaP384,
    /// RSA of 2048 bits.
    #[value(name = "rsa-2048")]
    Rsa2048,
    /// RSA of 3072 bits.
    #[value(name = "rsa-3072")]
    Rsa3072,
    /// RSA of 4096 bits.
    #[value(name = "rsa-4096")]
    Rsa4096,
}

impl From<Type> for pb::KeyType {
    fn from(kind: Type) -> Self {
        match kind {
            Type::Aes256Gcm => Self::Aes256Gcm,
            Type::Chacha20Poly1305 => Self::Chacha20Poly1305,
            Type::HmacSha256 => Self::HmacSha256,
            Type::Ed25519 => Self::Ed25519,
            Type::EcdsaP256 => Self::EcdsaP256,
            Type::EcdsaP384 => Self::EcdsaP384,
            Type::Rsa2048 => Self::Rsa2048,
            Type::Rsa3072 => Self::Rsa3072,
            Type::Rsa4096 => Self::Rsa4096,
        }
    }
}

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Operation {
    /// Encrypt.
    Encrypt,
    /// Decrypt.
    Decrypt,
    /// Sign.
    Sign,
    /// Check signatures.
    Verify,
    /// Make authentication codes.
    Mac,
    /// Check authentication codes.
    VerifyMac,
}

impl From<Operation> for i32 {
    fn from(operation: Operation) -> Self {
        let operation = match operation {
            Operation::Encrypt => pb::KeyOperation::Encrypt,
            Operation::Decrypt => pb::KeyOperation::Decrypt,
            Operation::Sign => pb::KeyOperation::Sign,
            Operation::Verify => pb::KeyOperation::Verify,
            Operation::Mac => pb::KeyOperation::Mac,
            Operation::VerifyMac => pb::KeyOperation::VerifyMac,
        };
        operation.into()
    }
}

/// How a message is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Algorithm {
    /// Ed25519.
    Ed25519,
    /// ECDSA in ASN.1 DER.
    EcdsaDer,
    /// ECDSA as r and s, as JOSE writes it.
    EcdsaFixed,
    /// RSA-PSS with SHA-256.
    #[value(name = "rsa-pss-sha256")]
    RsaPssSha256,
    /// RSA-PSS with SHA-384.
    #[value(name = "rsa-pss-sha384")]
    RsaPssSha384,
    /// RSA-PSS with SHA-512.
    #[value(name = "rsa-pss-sha512")]
    RsaPssSha512,
    /// RSA PKCS#1 v1.5 with SHA-256.
    #[value(name = "rsa-pkcs1-sha256")]
    RsaPkcs1Sha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    #[value(name = "rsa-pkcs1-sha384")]
    RsaPkcs1Sha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    #[value(name = "rsa-pkcs1-sha512")]
    RsaPkcs1Sha512,
}

/// The number for a request; 0 when nothing was said.
pub(super) fn algorithm(given: Option<Algorithm>) -> i32 {
    let algorithm = match given {
        None => pb::SignatureAlgorithm::Unspecified,
        Some(Algorithm::Ed25519) => pb::SignatureAlgorithm::Ed25519,
        Some(Algorithm::EcdsaDer) => pb::SignatureAlgorithm::EcdsaDer,
        Some(Algorithm::EcdsaFixed) => pb::SignatureAlgorithm::EcdsaFixed,
        Some(Algorithm::RsaPssSha256) => pb::SignatureAlgorithm::RsaPssSha256,
        Some(Algorithm::RsaPssSha384) => pb::SignatureAlgorithm::RsaPssSha384,
        Some(Algorithm::RsaPssSha512) => pb::SignatureAlgorithm::RsaPssSha512,
        Some(Algorithm::RsaPkcs1Sha256) => pb::SignatureAlgorithm::RsaPkcs1Sha256,
        Some(Algorithm::RsaPkcs1Sha384) => pb::SignatureAlgorithm::RsaPkcs1Sha384,
        Some(Algorithm::RsaPkcs1Sha512) => pb::SignatureAlgorithm::RsaPkcs1Sha512,
    };
    algorithm.into()
}
