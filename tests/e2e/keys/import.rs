//! Material that was made elsewhere.

use keyward_api::v1::{
    CreateKeyRequest, DecryptRequest, EncryptRequest, GetImportParametersRequest, GetImportParametersResponse,
    ImportKeyRequest, Key, KeyOrigin, KeyType, MacRequest, SignRequest, WrappingAlgorithm, WrappingKeyType,
};
use keyward_sdk::{
    crypto::{
        asymmetric::{self, KeyKind, PrivateKey, Scheme},
        hmac::HmacKey,
        lc::{OaepHash, OaepPublicKey, kwp_wrap},
    },
    secret::{Key32, Secret},
    time::Span,
};
use tonic::{Code, Status};

use super::{PLAIN, create, crypto, keys};
use crate::support::{Caller, Keyward, Timed, broker, field, reason};

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

async fn parameters(caller: &Caller, path: &str, wrapping: WrappingKeyType) -> GetImportParametersResponse {
    let request = GetImportParametersRequest { path: path.to_owned(), wrapping_key_type: wrapping.into() };
    keys(caller).get_import_parameters(request).await.unwrap().into_inner()
}

/// Around an AES key, and the material under that.
fn wrapped_twice(public: &OaepPublicKey, material: &Secret) -> Vec<u8> {
    let outer = Secret::random(Key32::LEN);
    let mut wrapped = public.encrypt(OaepHash::Sha256, &outer, &[]).unwrap();
    wrapped.extend(kwp_wrap(&Key32::from_secret(&outer).unwrap(), material).unwrap());
    wrapped
}

async fn import(
    caller: &Caller,
    path: &str,
    import_id: &str,
    algorithm: WrappingAlgorithm,
    wrapped: Vec<u8>,
) -> Result<Key, Status> {
    let (path, import_id) = (path.to_owned(), import_id.to_owned());
    let request = ImportKeyRequest { path, import_id, algorithm: algorithm.into(), wrapped_key: wrapped.into() };
    Ok(keys(caller).import_key(request).await?.into_inner().key.unwrap())
}

/// Imports under an RSA key and an AES key, as all material can be.
async fn taken(caller: &Caller, path: &str, kind: KeyType, material: &Secret) -> Result<Key, Status> {
    keys(caller).create_key(imported(path, kind)).await.unwrap();
    let given = parameters(caller, path, WrappingKeyType::Rsa4096).await;
    let public = OaepPublicKey::from_spki(&given.public_key_der).unwrap();
    assert_eq!(public.max_plaintext(OaepHash::Sha256), 446, "RSA of 4096 bits, as was asked for");
    import(caller, path, &given.import_id, WrappingAlgorithm::RsaAesKeyWrapSha256, wrapped_twice(&public, material))
        .await
}

#[tokio::test]
async fn key_pairs_of_every_kind_are_imported_and_sign() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    for (path, kind, pair, scheme) in [
        ("ed25519", KeyType::Ed25519, KeyKind::Ed25519, Scheme::Ed25519),
        ("p256", KeyType::EcdsaP256, KeyKind::EcdsaP256, Scheme::EcdsaDer),
        ("p384", KeyType::EcdsaP384, KeyKind::EcdsaP384, Scheme::EcdsaDer),
        ("rsa-2048", KeyType::Rsa2048, KeyKind::Rsa2048, Scheme::RsaPssSha256),
        ("rsa-3072", KeyType::Rsa3072, KeyKind::Rsa3072, Scheme::RsaPssSha256),
    ] {
        let material = asymmetric::generate(pair).unwrap();
        let key = taken(&operator, path, kind, &material).await.unwrap();
        assert_eq!((key.primary_version, key.origin()), (1, KeyOrigin::Imported), "{path}");
        let sign = SignRequest { key: path.to_owned(), message: "message".into(), algorithm: 0 };
        let signature = crypto(&operator).sign(sign).await.unwrap().into_inner().signature;
        let public = PrivateKey::from_pkcs8(pair, &material).unwrap().public_key();
        public.verify(scheme, b"message", &signature).unwrap();
    }
}

#[tokio::test]
async fn symmetric_material_is_imported_and_works_as_it_did_elsewhere() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    for length in [32, 64] {
        let path = format!("codes-{length}");
        let material = Secret::random(length);
        taken(&operator, &path, KeyType::HmacSha256, &material).await.unwrap();
        let ask = MacRequest { key: path, message: "message".into() };
        let made = crypto(&operator).mac(ask).await.unwrap().into_inner().mac;
        HmacKey::new(material.expose()).verify(b"message", &made).unwrap();
    }
    for (path, kind) in [("chacha", KeyType::Chacha20Poly1305), ("aes", KeyType::Aes256Gcm)] {
        taken(&operator, path, kind, &Secret::random(32)).await.unwrap();
        let seal = EncryptRequest { key: path.to_owned(), plaintext: PLAIN.into(), aad: "".into() };
        let ciphertext = crypto(&operator).encrypt(seal).await.unwrap().into_inner().ciphertext;
        let open = DecryptRequest { key: path.to_owned(), ciphertext, aad: "".into(), key_version: 0 };
        assert_eq!(crypto(&operator).decrypt(open).await.unwrap().into_inner().plaintext, PLAIN);
    }
}

#[tokio::test]
async fn material_of_another_kind_is_refused_and_nothing_is_kept_of_it() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let p256 = asymmetric::generate(KeyKind::EcdsaP256).unwrap();
    for (path, kind, material) in [
        ("short", KeyType::Aes256Gcm, Secret::random(31)),
        ("long", KeyType::Chacha20Poly1305, Secret::random(33)),
        ("short-code", KeyType::HmacSha256, Secret::random(31)),
        ("long-code", KeyType::HmacSha256, Secret::random(65)),
        ("other-curve", KeyType::EcdsaP384, p256),
        ("no-pair", KeyType::Rsa2048, Secret::random(1_200)),
        ("other-size", KeyType::Rsa3072, asymmetric::generate(KeyKind::Rsa2048).unwrap()),
    ] {
        let refused = taken(&operator, path, kind, &material).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "wrapped_key"), "{path}");
        let seal = EncryptRequest { key: path.to_owned(), plaintext: PLAIN.into(), aad: "".into() };
        crypto(&operator).encrypt(seal).await.expect_err("there is no version");
    }
}

#[tokio::test]
async fn what_was_wrapped_in_another_way_than_is_said_does_not_open() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    keys(&operator).create_key(imported("app", KeyType::Aes256Gcm)).await.unwrap();
    let given = parameters(&operator, "app", WrappingKeyType::Unspecified).await;
    let public = OaepPublicKey::from_spki(&given.public_key_der).unwrap();
    let material = Secret::random(32);
    let once = public.encrypt(OaepHash::Sha256, &material, &[]).unwrap();
    let twice = wrapped_twice(&public, &material);
    let sha1 = public.encrypt(OaepHash::Sha1, &material, &[]).unwrap();
    for (algorithm, wrapped) in [
        (WrappingAlgorithm::RsaAesKeyWrapSha256, once.clone()),
        (WrappingAlgorithm::RsaOaepSha256, twice.clone()),
        (WrappingAlgorithm::RsaOaepSha256, sha1),
        (WrappingAlgorithm::RsaAesKeyWrapSha256, twice[..twice.len() - 1].to_vec()),
        (WrappingAlgorithm::RsaAesKeyWrapSha256, Vec::new()),
    ] {
        let refused = import(&operator, "app", &given.import_id, algorithm, wrapped).await.unwrap_err();
        assert_eq!(reason(&refused), "UNDECRYPTABLE");
    }
    let unsaid = import(&operator, "app", &given.import_id, WrappingAlgorithm::Unspecified, once.clone()).await;
    assert_eq!(field(&unsaid.unwrap_err()), "algorithm");
    let right = import(&operator, "app", &given.import_id, WrappingAlgorithm::RsaOaepSha256, once).await;
    assert_eq!(right.expect("a failed try uses nothing up").primary_version, 1);
}

#[tokio::test]
async fn a_wrapping_key_is_good_for_a_day() {
    let timed = Timed::start().await;
    let operator = timed.operator().await;
    keys(&operator).create_key(imported("app", KeyType::Aes256Gcm)).await.unwrap();
    let mut given = Vec::new();
    for _ in 0..2 {
        given.push(parameters(&operator, "app", WrappingKeyType::Rsa3072).await);
    }
    let wrapped = |given: &GetImportParametersResponse| {
        let public = OaepPublicKey::from_spki(&given.public_key_der).unwrap();
        public.encrypt(OaepHash::Sha256, &Secret::random(32), &[]).unwrap()
    };
    timed.clock.advance(Span::from_minutes(23 * 60 + 59));
    let take = async |given: &GetImportParametersResponse| {
        let operator = timed.operator().await;
        import(&operator, "app", &given.import_id, WrappingAlgorithm::RsaOaepSha256, wrapped(given)).await
    };
    assert_eq!(take(&given[0]).await.unwrap().primary_version, 1);
    // No job has swept it away: its time alone is over.
    timed.clock.advance(Span::from_minutes(1));
    let refused = take(&given[1]).await.unwrap_err();
    assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "import_id"));
}
