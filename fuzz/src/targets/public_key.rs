//! Public keys (SPKI).

use keyward_sdk::crypto::{
    asymmetric::{KeyKind, PrivateKey, PublicKey, Scheme, generate},
    lc::OaepPublicKey,
    spki,
};

const KINDS: [KeyKind; 4] = [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa2048];

pub(super) fn run(bytes: &[u8]) {
    let _oaep = OaepPublicKey::from_spki(bytes);
    if let Ok(kind) = spki::kind_of(bytes) {
        let raw = spki::decode(kind, bytes).unwrap();
        assert_eq!(spki::encode(kind, raw), bytes, "a public key has a second spelling");
    }
    if let Ok(key) = PublicKey::from_spki(bytes) {
        assert_eq!(key.to_spki(), bytes, "a public key has a second spelling");
        assert!(key.verify(Scheme::Ed25519, b"message", &[1; 64]).is_err());
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let spki = |kind: &KeyKind| PrivateKey::from_pkcs8(*kind, &generate(*kind).unwrap()).unwrap().public_key().to_spki();
    KINDS.iter().map(spki).collect()
}
