//! Material that was made elsewhere.

use keyward_api::v1::{
    CreateKeyRequest, GetImportParametersRequest, ImportKeyRequest, KeyOrigin, KeyType, SignRequest, WrappingAlgorithm,
};
use keyward_sdk::{
    crypto::{
        asymmetric::{self, KeyKind, PrivateKey, Scheme},
        lc::{OaepHash, OaepPublicKey},
    },
    secret::Secret,
};

use super::{create, crypto, keys};
use crate::support::{Keyward, broker, field, reason};

fn imported(path: &str, kind: KeyType) -> CreateKeyRequest {
    CreateKeyRequest {
        path: path.to_owned(),
        r#type: kind.into(),
        origin: KeyOrigin::Imported.into(),
        ..CreateKeyRequest::default()
    }
}

#[tokio::test]
async fn a_private_key_is_imported_by_the_command_line_and_signs() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    keyward.ok(&["key", "create", "legacy", "--type", "ecdsa-p384", "--imported"]);
    let pkcs8 = asymmetric::generate(KeyKind::EcdsaP384).unwrap();
    std::fs::write(keyward.home().join("key.der"), pkcs8.expose()).unwrap();
    let shown = keyward.json(&["key", "import", "legacy", "--in", "key.der"]);
    assert_eq!((&shown["primary_version"], &shown["origin"]), (&1.into(), &"imported".into()));
    let request = SignRequest { key: "legacy".to_owned(), message: "message".into(), algorithm: 0 };
    let signature = crypto(&broker.operator().await).sign(request).await.unwrap().into_inner().signature;
    let public = PrivateKey::from_pkcs8(KeyKind::EcdsaP384, &pkcs8).unwrap().public_key();
    public.verify(Scheme::EcdsaDer, b"message", &signature).unwrap();
}

#[tokio::test]
async fn a_wrapping_key_is_good_for_one_import_of_one_key() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    for path in ["one", "two"] {
        keys(&operator).create_key(imported(path, KeyType::Aes256Gcm)).await.unwrap();
    }
    let request = GetImportParametersRequest { path: "one".to_owned(), wrapping_key_type: 0 };
    let given = keys(&operator).get_import_parameters(request).await.unwrap().into_inner();
    let public = OaepPublicKey::from_spki(&given.public_key_der).unwrap();
    let wrapped_key: bytes::Bytes = public.encrypt(OaepHash::Sha256, &Secret::random(32), &[]).unwrap().into();
    let ask = |path: &str, wrapped_key: bytes::Bytes| ImportKeyRequest {
        path: path.to_owned(),
        import_id: given.import_id.clone(),
        algorithm: WrappingAlgorithm::RsaOaepSha256.into(),
        wrapped_key,
    };
    let import =
        async |request| keys(&operator).import_key(request).await.map(|answer| answer.into_inner().key.unwrap());
    assert_eq!(reason(&import(ask("one", "no key".into())).await.unwrap_err()), "UNDECRYPTABLE");
    assert_eq!(field(&import(ask("two", wrapped_key.clone())).await.unwrap_err()), "import_id");
    assert_eq!(import(ask("one", wrapped_key.clone())).await.unwrap().primary_version, 1);
    assert_eq!(field(&import(ask("one", wrapped_key)).await.unwrap_err()), "import_id");
}

#[tokio::test]
async fn nothing_is_imported_into_a_generated_key() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "made", KeyType::Aes256Gcm).await;
    let request = GetImportParametersRequest { path: "made".to_owned(), wrapping_key_type: 0 };
    assert_eq!(reason(&keys(&operator).get_import_parameters(request).await.unwrap_err()), "KEY_NOT_IMPORTED");
}
