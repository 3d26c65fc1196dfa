//! Ciphertexts, signatures, codes and wrapped keys.

use keyward_api::v1::{
    CreateKeyRequest, DecryptRequest, EncryptRequest, GetImportParametersRequest, ImportKeyRequest, KeyOrigin, KeyType,
    MacRequest, RewrapRequest, SignRequest, VerifyMacRequest, VerifyRequest, WrappingAlgorithm,
    crypto_service_client::CryptoServiceClient, key_service_client::KeyServiceClient,
};
use keyward_sdk::{
    crypto::lc::{OaepHash, OaepPublicKey},
    secret::Secret,
};

use crate::support::{Caller, Client, broker, field, reason};

fn keys(caller: &Caller) -> KeyServiceClient<Client> {
    KeyServiceClient::new(caller.client())
}

fn crypto(caller: &Caller) -> CryptoServiceClient<Client> {
    CryptoServiceClient::new(caller.client())
}

/// A key of the same path and type in both tenants.
async fn in_both(both: [&Caller; 2], path: &str, kind: KeyType, origin: KeyOrigin) {
    for caller in both {
        let request = CreateKeyRequest {
            path: path.to_owned(),
            r#type: kind.into(),
            origin: origin.into(),
            ..CreateKeyRequest::default()
        };
        keys(caller).create_key(request).await.unwrap();
    }
}

#[tokio::test]
async fn what_one_tenant_made_opens_and_holds_under_no_key_of_another() {
    let broker = broker().start().await;
    let (main, other) = (broker.operator().await, broker.tenant("other").await);
    for (path, kind) in [("data", KeyType::Aes256Gcm), ("release", KeyType::Ed25519), ("codes", KeyType::HmacSha256)] {
        in_both([&main, &other], path, kind, KeyOrigin::Generated).await;
    }
    let seal = EncryptRequest { key: "data".to_owned(), plaintext: marked!("of main").into(), aad: "aad".into() };
    let ciphertext = crypto(&main).encrypt(seal).await.unwrap().into_inner().ciphertext;
    let (key, aad) = ("data".to_owned(), bytes::Bytes::from("aad"));
    let rewrap = RewrapRequest { key: key.clone(), ciphertext: ciphertext.clone(), aad: aad.clone(), key_version: 0 };
    let refused = crypto(&other).rewrap(rewrap.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "UNDECRYPTABLE");
    let noise = RewrapRequest { ciphertext: vec![1; ciphertext.len()].into(), ..rewrap.clone() };
    let of_noise = crypto(&other).rewrap(noise).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (of_noise.code(), of_noise.message()), "nothing is learned");
    let open = DecryptRequest { key, ciphertext, aad, key_version: 0 };
    assert_eq!(crypto(&other).decrypt(open).await.unwrap_err().message(), of_noise.message());
    crypto(&main).rewrap(rewrap).await.expect("where it was made, it opens");

    let sign = SignRequest { key: "release".to_owned(), message: "message".into(), algorithm: 0 };
    let signature = crypto(&main).sign(sign).await.unwrap().into_inner().signature;
    let verify = async |caller: &Caller| {
        let (key, message, signature) = ("release".to_owned(), "message".into(), signature.clone());
        let request = VerifyRequest { key, message, signature, algorithm: 0, key_version: 0 };
        crypto(caller).verify(request).await.unwrap().into_inner().valid
    };
    assert!(verify(&main).await && !verify(&other).await);

    let mac = crypto(&main).mac(MacRequest { key: "codes".to_owned(), message: "message".into() }).await.unwrap();
    let mac = mac.into_inner().mac;
    let verify = async |caller: &Caller| {
        let (key, message, mac) = ("codes".to_owned(), "message".into(), mac.clone());
        let request = VerifyMacRequest { key, message, mac, key_version: 0 };
        crypto(caller).verify_mac(request).await.unwrap().into_inner().valid
    };
    assert!(verify(&main).await && !verify(&other).await);
}

#[tokio::test]
async fn a_wrapping_key_of_one_tenant_takes_nothing_into_another() {
    let broker = broker().start().await;
    let (main, other) = (broker.operator().await, broker.tenant("other").await);
    in_both([&main, &other], "app", KeyType::Aes256Gcm, KeyOrigin::Imported).await;
    let ask = GetImportParametersRequest { path: "app".to_owned(), wrapping_key_type: 0 };
    let given = keys(&main).get_import_parameters(ask).await.unwrap().into_inner();
    let public = OaepPublicKey::from_spki(&given.public_key_der).unwrap();
    let wrapped_key: bytes::Bytes = public.encrypt(OaepHash::Sha256, &Secret::random(32), &[]).unwrap().into();
    let import = async |caller: &Caller, import_id: &str| {
        let (import_id, algorithm) = (import_id.to_owned(), WrappingAlgorithm::RsaOaepSha256.into());
        let request =
            ImportKeyRequest { path: "app".to_owned(), import_id, algorithm, wrapped_key: wrapped_key.clone() };
        keys(caller).import_key(request).await
    };
    let foreign = import(&other, &given.import_id).await.unwrap_err();
    let unknown = import(&other, &"0".repeat(32)).await.unwrap_err();
    assert_eq!(field(&foreign), "import_id");
    assert_eq!((foreign.code(), foreign.message()), (unknown.code(), unknown.message()));
    import(&main, &given.import_id).await.expect("the foreign try used nothing up");
}
