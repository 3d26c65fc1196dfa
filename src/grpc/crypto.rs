//! `CryptoService`.

use std::sync::Arc;

use bytes::Bytes;
use keyward_api::v1 as pb;
use keyward_sdk::{crypto::asymmetric::Scheme, secret::Secret};
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use super::{convert::parse, door::Door, status};
use crate::{
    engine::{
        EngineError,
        crypto::{
            BatchDecrypt, BatchEncrypt, BatchOf, DataKey, Decrypt, Encrypt, GenerateDataKey, GenerateHiddenDataKey,
            GenerateRandom, MAX_ITEMS, Mac, MacOf, Opened, RandomBytes, Rewrap, Rewrapped, Sealed, Sign, Signature,
            ToDecrypt, ToEncrypt, Verified, Verify, VerifyMac,
        },
    },
    pipeline::Refusal,
};

/// A secret as the bytes of a message: not copied, and wiped when the message is gone.
fn shown(secret: Secret) -> Bytes {
    Bytes::from_owner(secret.into_exposed())
}

fn taken(field: &'static str, bytes: &[u8]) -> Result<Secret, EngineError> {
    Secret::copy_of(bytes).map_err(|error| EngineError::invalid(field, error.to_string()))
}

impl TryFrom<pb::EncryptRequest> for Encrypt {
    type Error = EngineError;
    fn try_from(request: pb::EncryptRequest) -> Result<Self, EngineError> {
        let plaintext = Arc::new(taken("plaintext", &request.plaintext)?);
        Ok(Self { key: parse("key", &request.key)?, plaintext, aad: request.aad })
    }
}

impl TryFrom<pb::DecryptRequest> for Decrypt {
    type Error = EngineError;
    fn try_from(request: pb::DecryptRequest) -> Result<Self, EngineError> {
        Ok(Self {
            key: parse("key", &request.key)?,
            ciphertext: request.ciphertext,
            aad: request.aad,
            version: request.key_version,
        })
    }
}

impl TryFrom<pb::RewrapRequest> for Rewrap {
    type Error = EngineError;
    fn try_from(request: pb::RewrapRequest) -> Result<Self, EngineError> {
        Ok(Self {
            key: parse("key", &request.key)?,
            ciphertext: request.ciphertext,
            aad: request.aad,
            version: request.key_version,
        })
    }
}

macro_rules! data_key_requests {
    ($($request:ident => $operation:ident),*) => {$(
        impl TryFrom<pb::$request> for $operation {
            type Error = EngineError;
            fn try_from(request: pb::$request) -> Result<Self, EngineError> {
                let bytes = usize::try_from(request.bytes).unwrap_or(usize::MAX);
                Ok(Self { key: parse("key", &request.key)?, bytes, aad: request.aad })
            }
        }
    )*};
}

data_key_requests!(GenerateDataKeyRequest => GenerateDataKey, GenerateDataKeyWithoutPlaintextRequest => GenerateHiddenDataKey);

impl TryFrom<pb::SignRequest> for Sign {
    type Error = EngineError;
    fn try_from(request: pb::SignRequest) -> Result<Self, EngineError> {
        let scheme = scheme(request.algorithm)?;
        Ok(Self { key: parse("key", &request.key)?, message: request.message, scheme })
    }
}

impl TryFrom<pb::VerifyRequest> for Verify {
    type Error = EngineError;
    fn try_from(request: pb::VerifyRequest) -> Result<Self, EngineError> {
        Ok(Self {
            key: parse("key", &request.key)?,
            scheme: scheme(request.algorithm)?,
            message: request.message,
            signature: request.signature,
            version: request.key_version,
        })
    }
}

impl TryFrom<pb::MacRequest> for Mac {
    type Error = EngineError;
    fn try_from(request: pb::MacRequest) -> Result<Self, EngineError> {
        Ok(Self { key: parse("key", &request.key)?, message: request.message })
    }
}

impl TryFrom<pb::VerifyMacRequest> for VerifyMac {
    type Error = EngineError;
    fn try_from(request: pb::VerifyMacRequest) -> Result<Self, EngineError> {
        Ok(Self {
            key: parse("key", &request.key)?,
            message: request.message,
            mac: request.mac,
            version: request.key_version,
        })
    }
}

impl TryFrom<pb::GenerateRandomRequest> for GenerateRandom {
    type Error = EngineError;
    fn try_from(request: pb::GenerateRandomRequest) -> Result<Self, EngineError> {
        Ok(Self { bytes: usize::try_from(request.bytes).unwrap_or(usize::MAX) })
    }
}

impl TryFrom<pb::BatchEncryptRequest> for BatchEncrypt {
    type Error = EngineError;
    fn try_from(request: pb::BatchEncryptRequest) -> Result<Self, EngineError> {
        few(request.items.len())?;
        let item =
            |item: pb::BatchEncryptItem| Ok(ToEncrypt { plaintext: taken("items", &item.plaintext)?, aad: item.aad });
        let items = request.items.into_iter().map(item).collect::<Result<_, EngineError>>()?;
        Ok(Self { key: parse("key", &request.key)?, items })
    }
}

impl TryFrom<pb::BatchDecryptRequest> for BatchDecrypt {
    type Error = EngineError;
    fn try_from(request: pb::BatchDecryptRequest) -> Result<Self, EngineError> {
        few(request.items.len())?;
        let item = |item: pb::BatchDecryptItem| ToDecrypt {
            ciphertext: item.ciphertext,
            aad: item.aad,
            version: item.key_version,
        };
        let items = request.items.into_iter().map(item).collect();
        Ok(Self { key: parse("key", &request.key)?, items })
    }
}

/// Before anything is copied.
fn few(items: usize) -> Result<(), EngineError> {
    if items > MAX_ITEMS {
        return Err(EngineError::Limit { what: "the number of items", limit: MAX_ITEMS as u64 });
    }
    Ok(())
}

fn scheme(given: i32) -> Result<Option<Scheme>, EngineError> {
    use pb::SignatureAlgorithm as A;
    Ok(Some(match A::try_from(given) {
        Ok(A::Unspecified) => return Ok(None),
        Ok(A::Ed25519) => Scheme::Ed25519,
        Ok(A::EcdsaDer) => Scheme::EcdsaDer,
        Ok(A::EcdsaFixed) => Scheme::EcdsaFixed,
        Ok(A::RsaPssSha256) => Scheme::RsaPssSha256,
        Ok(A::RsaPssSha384) => Scheme::RsaPssSha384,
        Ok(A::RsaPssSha512) => Scheme::RsaPssSha512,
        Ok(A::RsaPkcs1Sha256) => Scheme::RsaPkcs1Sha256,
        Ok(A::RsaPkcs1Sha384) => Scheme::RsaPkcs1Sha384,
        Ok(A::RsaPkcs1Sha512) => Scheme::RsaPkcs1Sha512,
        Err(_) => return Err(EngineError::invalid("algorithm", "is one that does not exist")),
    }))
}

macro_rules! answers_sealed {
    ($($response:ident),*) => {$(
        impl From<Sealed> for pb::$response {
            fn from(sealed: Sealed) -> Self {
                Self { ciphertext: sealed.ciphertext.into(), key_version: sealed.version }
            }
        }
    )*};
}

answers_sealed!(EncryptResponse, GenerateDataKeyWithoutPlaintextResponse);

impl From<Opened> for pb::DecryptResponse {
    fn from(opened: Opened) -> Self {
        Self { plaintext: shown(opened.plaintext), key_version: opened.version }
    }
}

impl From<Rewrapped> for pb::RewrapResponse {
    fn from(Rewrapped(sealed): Rewrapped) -> Self {
        Self { ciphertext: sealed.ciphertext.into(), key_version: sealed.version }
    }
}

impl From<DataKey> for pb::GenerateDataKeyResponse {
    fn from(made: DataKey) -> Self {
        Self {
            plaintext: shown(made.plaintext),
            ciphertext: made.sealed.ciphertext.into(),
            key_version: made.sealed.version,
        }
    }
}

impl From<Signature> for pb::SignResponse {
    fn from(signature: Signature) -> Self {
        Self { signature: signature.bytes.into(), key_version: signature.version }
    }
}

impl From<Verified> for pb::VerifyResponse {
    fn from(verified: Verified) -> Self {
        Self { valid: verified.valid, key_version: verified.version }
    }
}

impl From<MacOf> for pb::MacResponse {
    fn from(made: MacOf) -> Self {
        Self { mac: Bytes::copy_from_slice(&made.mac), key_version: made.version }
    }
}

impl From<Verified> for pb::VerifyMacResponse {
    fn from(verified: Verified) -> Self {
        Self { valid: verified.valid, key_version: verified.version }
    }
}

impl From<RandomBytes> for pb::GenerateRandomResponse {
    fn from(RandomBytes(bytes): RandomBytes) -> Self {
        Self { random: shown(bytes) }
    }
}

impl From<BatchOf<Sealed>> for pb::BatchEncryptResponse {
    fn from(BatchOf(results): BatchOf<Sealed>) -> Self {
        use pb::batch_encrypt_result::Result as Item;
        let item = |result: Result<Sealed, EngineError>| match result {
            Ok(sealed) => Item::Encrypted(sealed.into()),
            Err(error) => Item::Error(failed(error)),
        };
        Self { results: results.into_iter().map(|r| pb::BatchEncryptResult { result: Some(item(r)) }).collect() }
    }
}

impl From<BatchOf<Opened>> for pb::BatchDecryptResponse {
    fn from(BatchOf(results): BatchOf<Opened>) -> Self {
        use pb::batch_decrypt_result::Result as Item;
        let item = |result: Result<Opened, EngineError>| match result {
            Ok(opened) => Item::Decrypted(opened.into()),
            Err(error) => Item::Error(failed(error)),
        };
        Self { results: results.into_iter().map(|r| pb::BatchDecryptResult { result: Some(item(r)) }).collect() }
    }
}

/// As a call for this item alone would have been refused.
fn failed(error: EngineError) -> pb::BatchItemError {
    let status = status::of(&Refusal::Engine(error));
    pb::BatchItemError {
        code: i32::from(status.code()),
        reason: status.get_details_error_info().map(|info| info.reason).unwrap_or_default(),
        message: status.message().to_owned(),
    }
}

super::door::service! {
    pb::crypto_service_server::CryptoService;
    encrypt(EncryptRequest) -> EncryptResponse = Encrypt;
    decrypt(DecryptRequest) -> DecryptResponse = Decrypt;
    rewrap(RewrapRequest) -> RewrapResponse = Rewrap;
    generate_data_key(GenerateDataKeyRequest) -> GenerateDataKeyResponse = GenerateDataKey;
    generate_data_key_without_plaintext(GenerateDataKeyWithoutPlaintextRequest) -> GenerateDataKeyWithoutPlaintextResponse = GenerateHiddenDataKey;
    sign(SignRequest) -> SignResponse = Sign;
    verify(VerifyRequest) -> VerifyResponse = Verify;
    mac(MacRequest) -> MacResponse = Mac;
    verify_mac(VerifyMacRequest) -> VerifyMacResponse = VerifyMac;
    generate_random(GenerateRandomRequest) -> GenerateRandomResponse = GenerateRandom;
    batch_encrypt(BatchEncryptRequest) -> BatchEncryptResponse = BatchEncrypt;
    batch_decrypt(BatchDecryptRequest) -> BatchDecryptResponse = BatchDecrypt;
}
