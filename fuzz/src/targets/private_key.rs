//! Private keys that are imported, and what they are wrapped in.

use keyward::engine::key::{KeyType, Material};
use keyward_sdk::{
    crypto::{
        asymmetric::{KeyKind, PrivateKey, generate},
        lc::{kw_unwrap, kwp_unwrap, kwp_wrap},
    },
    secret::{Key32, Secret},
};

const TYPES: [(KeyType, KeyKind); 4] = [
    (KeyType::Ed25519, KeyKind::Ed25519),
    (KeyType::EcdsaP256, KeyKind::EcdsaP256),
    (KeyType::EcdsaP384, KeyKind::EcdsaP384),
    (KeyType::Rsa2048, KeyKind::Rsa2048),
];

pub(super) fn run(bytes: &[u8]) {
    let Ok(secret) = Secret::copy_of(bytes) else { return };
    for (kind, pair) in TYPES {
        if let Ok(key) = PrivateKey::from_pkcs8(pair, &secret) {
            assert_eq!((key.kind(), key.public_key().kind()), (pair, pair));
        }
        if Material::imported(kind, Secret::copy_of(bytes).unwrap()).is_ok() {
            assert!(PrivateKey::from_pkcs8(pair, &secret).is_ok(), "a key was imported that cannot be used");
        }
    }
    let kek = Key32::copy_of(&[7; 32]);
    assert!(kw_unwrap(&kek, bytes).is_err(), "a wrapped key was forged");
    if let Ok(key) = kwp_unwrap(&kek, bytes) {
        assert_eq!(kwp_wrap(&kek, &key).unwrap(), bytes, "a wrapped key has a second spelling");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let kek = Key32::copy_of(&[7; 32]);
    let wrapped = kwp_wrap(&kek, &Secret::copy_of(&[5; 33]).unwrap()).unwrap();
    let keys = TYPES.iter().map(|(_, pair)| generate(*pair).unwrap().expose().to_vec());
    keys.chain([vec![9; 32], wrapped]).collect()
}
