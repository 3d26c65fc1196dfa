//! Data keys, authentication codes, random bytes, public keys, and what changes a key.

use keyward_api::v1::{
    CancelKeyDestructionRequest, CreateKeyRequest, GenerateDataKeyRequest, GenerateDataKeyWithoutPlaintextRequest,
    GenerateRandomRequest, GetKeyRequest, GetPublicKeyRequest, KeyLabels, KeyType, KeyVersionState, MacRequest,
    RotateKeyRequest, ScheduleKeyDestructionRequest, SignRequest, UpdateKeyRequest, VerifyMacRequest, VerifyRequest,
};
use keyward_sdk::crypto::asymmetric::{KeyKind, PublicKey, Scheme};
use prost_types::Duration;
use tonic::Code;

use super::{create, crypto, keys};
use crate::support::{broker, field, reason};

#[tokio::test]
async fn a_data_key_is_given_in_clear_and_sealed_or_sealed_alone() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "app/db", KeyType::Aes256Gcm).await;
    let ask = |bytes| GenerateDataKeyRequest { key: "app/db".to_owned(), bytes, aad: "aad".into() };
    for (asked, given) in [(0, 32), (16, 16), (64, 64)] {
        let made = crypto(&operator).generate_data_key(ask(asked)).await.unwrap().into_inner();
        assert_eq!((made.plaintext.len(), made.key_version), (given, 1));
        let opened = crypto(&operator).decrypt(super::decrypt("app/db", &made.ciphertext)).await.unwrap().into_inner();
        assert_eq!(opened.plaintext, made.plaintext);
    }
    for wrong in [1, 15, 65, u32::MAX] {
        let refused = crypto(&operator).generate_data_key(ask(wrong)).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "bytes"));
    }
    let ask = |bytes| GenerateDataKeyWithoutPlaintextRequest { key: "app/db".to_owned(), bytes, aad: "aad".into() };
    let one = crypto(&operator).generate_data_key_without_plaintext(ask(24)).await.unwrap().into_inner();
    let two = crypto(&operator).generate_data_key_without_plaintext(ask(24)).await.unwrap().into_inner();
    let mut opened = Vec::new();
    for made in [one, two] {
        let answer = crypto(&operator).decrypt(super::decrypt("app/db", &made.ciphertext)).await.unwrap().into_inner();
        assert_eq!(answer.plaintext.len(), 24);
        opened.push(answer.plaintext);
    }
    assert_ne!(opened[0], opened[1]);
    let refused = crypto(&operator).generate_data_key_without_plaintext(ask(15)).await.unwrap_err();
    assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "bytes"));
}

#[tokio::test]
async fn random_bytes_come_in_the_length_that_was_asked_for_and_never_twice() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let draw = async |bytes| crypto(&operator).generate_random(GenerateRandomRequest { bytes }).await;
    for bytes in [1, 32, 65_536] {
        assert_eq!(draw(bytes).await.unwrap().into_inner().random.len(), bytes as usize);
    }
    assert_ne!(draw(32).await.unwrap().into_inner().random, draw(32).await.unwrap().into_inner().random);
    for wrong in [0, 65_537, u32::MAX] {
        let refused = draw(wrong).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "bytes"));
    }
}

#[tokio::test]
async fn an_authentication_code_holds_for_its_message_key_and_version() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    for path in ["codes", "others"] {
        create(&operator, path, KeyType::HmacSha256).await;
    }
    let ask = |key: &str| MacRequest { key: key.to_owned(), message: "message".into() };
    let made = crypto(&operator).mac(ask("codes")).await.unwrap().into_inner();
    assert_eq!((made.mac.len(), made.key_version), (32, 1));
    let verify = async |key: &str, message: &'static str, mac: &[u8], key_version| {
        let mac = mac.to_vec().into();
        let request = VerifyMacRequest { key: key.to_owned(), message: message.into(), mac, key_version };
        crypto(&operator).verify_mac(request).await.unwrap().into_inner().valid
    };
    assert!(verify("codes", "message", &made.mac, 0).await);
    assert!(!verify("codes", "messagf", &made.mac, 0).await);
    assert!(!verify("others", "message", &made.mac, 0).await);
    assert!(!verify("codes", "message", &made.mac[..31], 0).await);
    assert!(!verify("codes", "message", &[], 0).await);
    keys(&operator).rotate_key(RotateKeyRequest { path: "codes".to_owned() }).await.unwrap();
    assert!(!verify("codes", "message", &made.mac, 0).await, "the primary is another one");
    assert!(verify("codes", "message", &made.mac, 1).await);
    create(&operator, "app/db", KeyType::Aes256Gcm).await;
    let refused = crypto(&operator).mac(ask("app/db")).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "OPERATION_NOT_ALLOWED"));
}

#[tokio::test]
async fn a_public_key_verifies_what_its_version_signed() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "release", KeyType::EcdsaP256).await;
    let sign = SignRequest { key: "release".to_owned(), message: "message".into(), algorithm: 0 };
    let signed = crypto(&operator).sign(sign).await.unwrap().into_inner();
    keys(&operator).rotate_key(RotateKeyRequest { path: "release".to_owned() }).await.unwrap();
    let get = |version| GetPublicKeyRequest { path: "release".to_owned(), version };
    let first = keys(&operator).get_public_key(get(1)).await.unwrap().into_inner();
    let primary = keys(&operator).get_public_key(get(0)).await.unwrap().into_inner();
    assert_eq!((first.version, primary.version, first.r#type()), (1, 2, KeyType::EcdsaP256));
    assert!(first.pem.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{}", first.pem);
    let holds = |der: &[u8]| {
        let public = PublicKey::from_spki(der).unwrap();
        assert_eq!(public.kind(), KeyKind::EcdsaP256);
        public.verify(Scheme::EcdsaDer, b"message", &signed.signature).is_ok()
    };
    assert!(holds(&first.der) && !holds(&primary.der));
    let verify = async |key_version| {
        let (key, message, signature) = ("release".to_owned(), "message".into(), signed.signature.clone());
        let request = VerifyRequest { key, message, signature, algorithm: 0, key_version };
        crypto(&operator).verify(request).await.unwrap().into_inner().valid
    };
    assert!(verify(1).await && !verify(0).await);
    create(&operator, "app/db", KeyType::Aes256Gcm).await;
    let none = GetPublicKeyRequest { path: "app/db".to_owned(), version: 0 };
    assert_eq!(reason(&keys(&operator).get_public_key(none).await.unwrap_err()), "NO_PUBLIC_KEY");
    let refused = keys(&operator).get_public_key(get(3)).await.unwrap_err();
    assert!(refused.code() == Code::FailedPrecondition && refused.message().contains("version 3"), "{refused:?}");
}

#[tokio::test]
async fn a_key_changes_what_may_change_and_never_becomes_exportable() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let request = CreateKeyRequest {
        path: "app/db".to_owned(),
        r#type: KeyType::Aes256Gcm.into(),
        exportable: true,
        ..CreateKeyRequest::default()
    };
    keys(&operator).create_key(request).await.unwrap();
    let ask = || UpdateKeyRequest { path: "app/db".to_owned(), ..UpdateKeyRequest::default() };
    let update =
        async |request| keys(&operator).update_key(request).await.map(|answer| answer.into_inner().key.unwrap());
    let labels = KeyLabels { labels: [("team".to_owned(), "shop".to_owned())].into() };
    let days = |days: i64| Some(Duration { seconds: days * 86_400, nanos: 0 });
    let changed = UpdateKeyRequest {
        rotation_period: days(30),
        deletion_protection: Some(true),
        exportable: Some(false),
        labels: Some(labels),
        ..ask()
    };
    let changed = update(changed).await.unwrap();
    assert_eq!((changed.rotation_period, changed.labels["team"].as_str()), (days(30), "shop"));
    assert!(changed.deletion_protection && !changed.exportable && changed.next_rotation_at.is_some());
    assert_eq!(update(ask()).await.unwrap(), changed, "what is not named stays");
    let never = UpdateKeyRequest { exportable: Some(true), ..ask() };
    assert_eq!(reason(&update(never).await.unwrap_err()), "NOT_EXPORTABLE");
    let hourly = UpdateKeyRequest { rotation_period: Some(Duration { seconds: 3_600, nanos: 0 }), ..ask() };
    assert_eq!(field(&update(hourly).await.unwrap_err()), "rotation_period");
    let end = ScheduleKeyDestructionRequest { path: "app/db".to_owned(), version: 0, waiting_period: days(7) };
    let refused = keys(&operator).schedule_key_destruction(end).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "DELETION_PROTECTED"));
    let by_hand = UpdateKeyRequest { rotation_period: days(0), ..ask() };
    assert_eq!(update(by_hand).await.unwrap().rotation_period, None);
}

#[tokio::test]
async fn a_destruction_is_called_off_and_leaves_the_key_disabled() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "app/db", KeyType::Aes256Gcm).await;
    let sealed = super::encrypt(&operator, "app/db", super::PLAIN).await.ciphertext;
    let cancel = |version| CancelKeyDestructionRequest { path: "app/db".to_owned(), version };
    for version in [0, 1] {
        let nothing = keys(&operator).cancel_key_destruction(cancel(version)).await.unwrap_err();
        assert_eq!(reason(&nothing), "NOT_DESTROYING");
        let end = ScheduleKeyDestructionRequest { path: "app/db".to_owned(), version, waiting_period: None };
        keys(&operator).schedule_key_destruction(end).await.unwrap();
        crypto(&operator).decrypt(super::decrypt("app/db", &sealed)).await.unwrap_err();
        let key = keys(&operator).cancel_key_destruction(cancel(version)).await.unwrap().into_inner().key.unwrap();
        assert_eq!((key.destroy_at, key.versions[0].state()), (None, KeyVersionState::Disabled));
        let refused = crypto(&operator).decrypt(super::decrypt("app/db", &sealed)).await.unwrap_err();
        assert_eq!(reason(&refused), "KEY_VERSION_DISABLED");
    }
    let get = GetKeyRequest { path: "app/db".to_owned() };
    assert_eq!(keys(&operator).get_key(get).await.unwrap().into_inner().key.unwrap().primary_version, 1);
}
