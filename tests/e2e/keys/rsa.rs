//! RSA keys of every size. One key signs or decrypts, never both.

use keyward_api::v1::{
    CreateKeyRequest, DecryptRequest, EncryptRequest, GetPublicKeyRequest, KeyOperation, KeyType, RotateKeyRequest,
    SignRequest, SignatureAlgorithm as Algorithm, VerifyRequest,
};
use keyward_sdk::{
    crypto::{
        asymmetric::{PublicKey, Scheme},
        lc::{OaepHash, OaepPublicKey},
    },
    secret::Secret,
};
use tonic::Code;

use super::{PLAIN, create, crypto, keys};
use crate::support::{Broker, Caller, broker, field, reason};

const ALGORITHMS: [(Algorithm, Scheme); 6] = [
    (Algorithm::RsaPssSha256, Scheme::RsaPssSha256),
    (Algorithm::RsaPssSha384, Scheme::RsaPssSha384),
    (Algorithm::RsaPssSha512, Scheme::RsaPssSha512),
    (Algorithm::RsaPkcs1Sha256, Scheme::RsaPkcs1Sha256),
    (Algorithm::RsaPkcs1Sha384, Scheme::RsaPkcs1Sha384),
    (Algorithm::RsaPkcs1Sha512, Scheme::RsaPkcs1Sha512),
];

async fn public(operator: &Caller, path: &str, version: u32) -> Vec<u8> {
    let request = GetPublicKeyRequest { path: path.to_owned(), version };
    keys(operator).get_public_key(request).await.unwrap().into_inner().der.to_vec()
}

async fn signs(kind: KeyType, bytes: usize) {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "release", kind).await;
    let public = PublicKey::from_spki(&public(&operator, "release", 0).await).unwrap();
    for (algorithm, scheme) in ALGORITHMS {
        let sign = SignRequest { key: "release".to_owned(), message: "message".into(), algorithm: algorithm.into() };
        let signature = crypto(&operator).sign(sign).await.unwrap().into_inner().signature;
        assert_eq!(signature.len(), bytes);
        public.verify(scheme, b"message", &signature).unwrap();
        let verify = async |message: &'static str, algorithm: Algorithm| {
            let (key, signature) = ("release".to_owned(), signature.clone());
            let (message, algorithm) = (message.into(), algorithm.into());
            let request = VerifyRequest { key, message, signature, algorithm, key_version: 0 };
            crypto(&operator).verify(request).await.unwrap().into_inner().valid
        };
        assert!(verify("message", algorithm).await);
        assert!(!verify("messagf", algorithm).await);
        let other =
            if algorithm == Algorithm::RsaPssSha256 { Algorithm::RsaPssSha384 } else { Algorithm::RsaPssSha256 };
        assert!(!verify("message", other).await);
    }
    let curve = Algorithm::EcdsaDer.into();
    let sign = SignRequest { key: "release".to_owned(), message: "message".into(), algorithm: curve };
    assert_eq!(field(&crypto(&operator).sign(sign).await.unwrap_err()), "algorithm");
    let seal = EncryptRequest { key: "release".to_owned(), plaintext: PLAIN.into(), aad: "".into() };
    assert_eq!(reason(&crypto(&operator).encrypt(seal).await.unwrap_err()), "OPERATION_NOT_ALLOWED");
}

/// A key that decrypts, as nobody makes it by accident.
async fn decrypting(broker: &Broker, kind: KeyType) -> Caller {
    let operator = broker.operator().await;
    let request = CreateKeyRequest {
        path: "inbox".to_owned(),
        r#type: kind.into(),
        operations: vec![KeyOperation::Encrypt.into(), KeyOperation::Decrypt.into()],
        ..CreateKeyRequest::default()
    };
    keys(&operator).create_key(request).await.unwrap();
    operator
}

async fn open(
    caller: &Caller,
    ciphertext: &[u8],
    aad: &'static str,
    key_version: u32,
) -> Result<Vec<u8>, tonic::Status> {
    let (ciphertext, aad) = (ciphertext.to_vec().into(), aad.into());
    let request = DecryptRequest { key: "inbox".to_owned(), ciphertext, aad, key_version };
    Ok(crypto(caller).decrypt(request).await?.into_inner().plaintext.to_vec())
}

async fn decrypts(kind: KeyType, most: usize) {
    let broker = broker().start().await;
    let operator = decrypting(&broker, kind).await;
    // Whoever has the public key needs no broker to encrypt.
    let public = OaepPublicKey::from_spki(&public(&operator, "inbox", 0).await).unwrap();
    let sealed = public.encrypt(OaepHash::Sha256, &Secret::copy_of(PLAIN).unwrap(), b"label").unwrap();
    assert_eq!(open(&operator, &sealed, "label", 0).await.unwrap(), PLAIN);
    assert_eq!(reason(&open(&operator, &sealed, "lavel", 0).await.unwrap_err()), "UNDECRYPTABLE");
    let mut flipped = sealed.clone();
    flipped[9] ^= 1;
    assert_eq!(reason(&open(&operator, &flipped, "label", 0).await.unwrap_err()), "UNDECRYPTABLE");
    assert_eq!(reason(&open(&operator, b"", "label", 0).await.unwrap_err()), "UNDECRYPTABLE");
    let seal = async |length: usize| {
        let (key, plaintext) = ("inbox".to_owned(), vec![7; length].into());
        crypto(&operator).encrypt(EncryptRequest { key, plaintext, aad: "label".into() }).await
    };
    let longest = seal(most).await.unwrap().into_inner();
    assert_eq!(open(&operator, &longest.ciphertext, "label", 0).await.unwrap(), vec![7; most]);
    let refused = seal(most + 1).await.unwrap_err();
    assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "plaintext"));
    let sign = SignRequest { key: "inbox".to_owned(), message: "message".into(), algorithm: 0 };
    assert_eq!(reason(&crypto(&operator).sign(sign).await.unwrap_err()), "OPERATION_NOT_ALLOWED");
}

#[tokio::test]
async fn rsa_2048_signs_and_verifies_in_every_algorithm() {
    signs(KeyType::Rsa2048, 256).await;
}

#[tokio::test]
async fn rsa_3072_signs_and_verifies_in_every_algorithm() {
    signs(KeyType::Rsa3072, 384).await;
}

#[tokio::test]
async fn rsa_4096_signs_and_verifies_in_every_algorithm() {
    signs(KeyType::Rsa4096, 512).await;
}

#[tokio::test]
async fn rsa_2048_decrypts_what_its_public_key_made() {
    decrypts(KeyType::Rsa2048, 190).await;
}

#[tokio::test]
async fn rsa_3072_decrypts_what_its_public_key_made() {
    decrypts(KeyType::Rsa3072, 318).await;
}

#[tokio::test]
async fn rsa_4096_decrypts_what_its_public_key_made() {
    decrypts(KeyType::Rsa4096, 446).await;
}

#[tokio::test]
async fn an_older_version_of_an_rsa_key_opens_when_it_is_named() {
    let broker = broker().start().await;
    let operator = decrypting(&broker, KeyType::Rsa2048).await;
    let seal = EncryptRequest { key: "inbox".to_owned(), plaintext: PLAIN.into(), aad: "label".into() };
    let sealed = crypto(&operator).encrypt(seal).await.unwrap().into_inner().ciphertext;
    keys(&operator).rotate_key(RotateKeyRequest { path: "inbox".to_owned() }).await.unwrap();
    assert_eq!(reason(&open(&operator, &sealed, "label", 0).await.unwrap_err()), "UNDECRYPTABLE");
    assert_eq!(open(&operator, &sealed, "label", 1).await.unwrap(), PLAIN);
}

#[tokio::test]
async fn an_rsa_key_that_would_sign_and_decrypt_is_not_made() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    for operations in [
        vec![KeyOperation::Sign, KeyOperation::Decrypt],
        vec![KeyOperation::Verify, KeyOperation::Encrypt],
        vec![KeyOperation::Mac],
    ] {
        let request = CreateKeyRequest {
            path: "both".to_owned(),
            r#type: KeyType::Rsa2048.into(),
            operations: operations.into_iter().map(Into::into).collect(),
            ..CreateKeyRequest::default()
        };
        let refused = keys(&operator).create_key(request).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "operations"));
    }
}
