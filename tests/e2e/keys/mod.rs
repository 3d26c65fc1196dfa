//! Named keys and work with them.

mod batch;
mod command;
mod due;
mod import;
mod rsa;
mod tenants;
mod work;

use keyward_api::v1::{
    BatchDecryptItem, BatchDecryptRequest, CreateKeyRequest, DecryptRequest, EncryptRequest, EncryptResponse, Key,
    KeyType, KeyVersionState, RewrapRequest, RotateKeyRequest, ScheduleKeyDestructionRequest,
    SetKeyVersionStateRequest, batch_decrypt_result::Result as Item, crypto_service_client::CryptoServiceClient,
    key_service_client::KeyServiceClient,
};
use tonic::Code;

use crate::support::{Caller, Client, broker, field, reason};

/// What is encrypted here.
const PLAIN: &[u8] = marked!("plain").as_bytes();

fn keys(caller: &Caller) -> KeyServiceClient<Client> {
    KeyServiceClient::new(caller.client())
}

fn crypto(caller: &Caller) -> CryptoServiceClient<Client> {
    CryptoServiceClient::new(caller.client())
}

async fn create(caller: &Caller, path: &str, kind: KeyType) -> Key {
    let request = CreateKeyRequest { path: path.to_owned(), r#type: kind.into(), ..CreateKeyRequest::default() };
    keys(caller).create_key(request).await.unwrap().into_inner().key.unwrap()
}

async fn encrypt(caller: &Caller, key: &str, plaintext: &'static [u8]) -> EncryptResponse {
    let request = EncryptRequest { key: key.to_owned(), plaintext: plaintext.into(), aad: "aad".into() };
    crypto(caller).encrypt(request).await.unwrap().into_inner()
}

fn decrypt(key: &str, ciphertext: &[u8]) -> DecryptRequest {
    let ciphertext = ciphertext.to_vec().into();
    DecryptRequest { key: key.to_owned(), ciphertext, aad: "aad".into(), key_version: 0 }
}

#[tokio::test]
async fn a_key_is_used_rotated_and_there_after_a_restart() {
    let mut broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "app/db", KeyType::Aes256Gcm).await;
    let old = encrypt(&operator, "app/db", PLAIN).await;
    let rotated = keys(&operator).rotate_key(RotateKeyRequest { path: "app/db".to_owned() }).await.unwrap();
    assert_eq!(rotated.into_inner().key.unwrap().primary_version, 2);

    broker.restart().await;
    let operator = broker.operator().await;
    let opened = crypto(&operator).decrypt(decrypt("app/db", &old.ciphertext)).await.unwrap().into_inner();
    assert_eq!((&opened.plaintext[..], opened.key_version), (PLAIN, 1));
    let request = RewrapRequest {
        key: "app/db".to_owned(),
        ciphertext: old.ciphertext.clone(),
        aad: "aad".into(),
        key_version: 0,
    };
    let new = crypto(&operator).rewrap(request).await.unwrap().into_inner();
    assert_eq!(new.key_version, 2);
    let opened = crypto(&operator).decrypt(decrypt("app/db", &new.ciphertext)).await.unwrap().into_inner();
    assert_eq!(&opened.plaintext[..], PLAIN);

    let state = KeyVersionState::Disabled.into();
    let request = SetKeyVersionStateRequest { path: "app/db".to_owned(), version: 1, state };
    keys(&operator).set_key_version_state(request).await.unwrap();
    let refused = crypto(&operator).decrypt(decrypt("app/db", &old.ciphertext)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "KEY_VERSION_DISABLED"));
}

#[tokio::test]
async fn a_retry_makes_one_key_and_not_two() {
    let broker = broker().start().await;
    let operator = broker.operator().await.request_id("0123456789abcdef0123");
    let first = create(&operator, "app/db", KeyType::Ed25519).await;
    assert_eq!(create(&operator, "app/db", KeyType::Ed25519).await.id, first.id);
    let other = broker.operator().await;
    let request =
        CreateKeyRequest { path: "app/db".to_owned(), r#type: KeyType::Ed25519.into(), ..CreateKeyRequest::default() };
    assert_eq!(keys(&other).create_key(request).await.unwrap_err().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_batch_answers_each_item_by_itself() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "app/db", KeyType::Chacha20Poly1305).await;
    let made = encrypt(&operator, "app/db", PLAIN).await.ciphertext;
    let item = |ciphertext: &[u8], aad: &'static str| BatchDecryptItem {
        ciphertext: ciphertext.to_vec().into(),
        aad: aad.into(),
        key_version: 0,
    };
    let items = vec![item(&made, "aad"), item(&made, "other"), item(b"", ""), item(&made, "aad")];
    let request = BatchDecryptRequest { key: "app/db".to_owned(), items };
    let results = crypto(&operator).batch_decrypt(request).await.unwrap().into_inner().results;
    let shown: Vec<_> = results
        .into_iter()
        .map(|result| match result.result.unwrap() {
            Item::Decrypted(opened) => String::from_utf8(opened.plaintext.to_vec()).unwrap(),
            Item::Error(error) => error.reason,
        })
        .collect();
    assert_eq!(shown, [marked!("plain"), "UNDECRYPTABLE", "UNDECRYPTABLE", marked!("plain")]);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_by_field() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let ask =
        |path: &str, kind: i32| CreateKeyRequest { path: path.to_owned(), r#type: kind, ..CreateKeyRequest::default() };
    for (request, blamed) in [(ask("../x", 1), "path"), (ask("x", 0), "type"), (ask("x", 99), "type")] {
        let refused = keys(&operator).create_key(request).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, blamed));
    }
    create(&operator, "app/db", KeyType::Aes256Gcm).await;
    let short = prost_types::Duration { seconds: 3_600, nanos: 0 };
    let request = ScheduleKeyDestructionRequest { path: "app/db".to_owned(), version: 0, waiting_period: Some(short) };
    assert_eq!(field(&keys(&operator).schedule_key_destruction(request).await.unwrap_err()), "waiting_period");
    let nobody = broker.caller().connect().await;
    let refused = crypto(&nobody).decrypt(decrypt("app/db", b"x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}
