//! What work with keys promises, through the code that requests run.

use keyward_sdk::{
    crypto::{
        asymmetric::Scheme,
        lc::{OaepHash, OaepPublicKey},
    },
    envelope::OVERHEAD,
    secret::Secret,
};
use proptest::prelude::*;

use super::{
    batch::{decrypt, encrypt},
    cipher::{open, seal},
    data_key::make,
    mac::{mac, verify_mac},
    rewrap::rewrap,
    sign::sign,
    verify::verify,
    *,
};
use crate::{
    engine::{
        EngineError,
        key::{
            HotKey, KeyType, Use, VersionState,
            tests::{record, rotate, set},
        },
    },
    method::TenantId,
};

const TENANT: TenantId = TenantId([7; 16]);

fn hot(kind: KeyType, uses: &[Use]) -> HotKey {
    HotKey::new(TENANT, record(kind, uses), None)
}

fn again(key: &HotKey, change: impl FnOnce(&mut crate::engine::key::KeyRecord)) -> HotKey {
    let mut record = key.record.clone();
    change(&mut record);
    HotKey::new(key.tenant(), record, Some(key))
}

fn secret(bytes: &[u8]) -> Secret {
    Secret::copy_of(bytes).unwrap()
}

fn undecryptable<T: std::fmt::Debug>(result: Result<T, EngineError>) -> String {
    match result {
        Err(EngineError::Undecryptable(what)) => what,
        other => panic!("{other:?}"),
    }
}

fn reason<T: std::fmt::Debug>(result: Result<T, EngineError>) -> &'static str {
    match result {
        Err(EngineError::State { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

const SYMMETRIC: [KeyType; 2] = [KeyType::Aes256Gcm, KeyType::Chacha20Poly1305];

#[test]
fn what_was_encrypted_opens_with_the_same_associated_data_only() {
    for kind in SYMMETRIC {
        let key = hot(kind, &[]);
        let sealed = seal(&key, b"aad", &secret(b"plain")).unwrap();
        assert_eq!(sealed.ciphertext.len(), 5 + OVERHEAD);
        assert_eq!(open(&key, 0, b"aad", &sealed.ciphertext).unwrap().plaintext.expose(), b"plain");
        for wrong in [&b""[..], b"aae", b"aad "] {
            undecryptable(open(&key, 0, wrong, &sealed.ciphertext));
        }
    }
}

#[test]
fn a_ciphertext_opens_in_its_tenant_and_under_its_key_only() {
    let key = hot(KeyType::Aes256Gcm, &[]);
    let sealed = seal(&key, b"", &secret(b"plain")).unwrap();
    // Even with the same material: the other tenant, and a key made again under the same path.
    let tenant = HotKey::new(TenantId([8; 16]), key.record.clone(), None);
    let remade = again(&key, |record| record.info.id = [9; 16]);
    let other = hot(KeyType::Aes256Gcm, &[]);
    let answers = [&tenant, &remade, &other].map(|key| undecryptable(open(key, 0, b"", &sealed.ciphertext)));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[test]
fn an_old_version_still_opens_until_it_is_disabled_or_destroyed() {
    let key = hot(KeyType::Aes256Gcm, &[]);
    let old = seal(&key, b"", &secret(b"plain")).unwrap();
    let key = again(&key, rotate);
    assert_eq!(seal(&key, b"", &secret(b"plain")).unwrap().version, 2);
    assert_eq!(open(&key, 0, b"", &old.ciphertext).unwrap().version, 1);
    let disabled = again(&key, |record| set(record, 1, VersionState::Disabled));
    assert_eq!(reason(open(&disabled, 0, b"", &old.ciphertext)), "KEY_VERSION_DISABLED");
    let destroyed = again(&key, |record| set(record, 1, VersionState::Destroyed));
    assert_eq!(reason(open(&destroyed, 0, b"", &old.ciphertext)), "KEY_VERSION_DESTROYED");
    let stopped = again(&key, |record| set(record, 2, VersionState::Disabled));
    assert_eq!(reason(seal(&stopped, b"", &secret(b"plain"))), "KEY_VERSION_DISABLED");
}

#[test]
fn rewrap_moves_to_the_newest_version_and_gives_no_plaintext() {
    let key = hot(KeyType::Chacha20Poly1305, &[]);
    let marked = b"a plaintext that must not be seen";
    let old = seal(&key, b"aad", &secret(marked)).unwrap();
    let key = again(&key, rotate);
    let Rewrapped(new) = rewrap(&key, 0, b"aad", &old.ciphertext).unwrap();
    assert_eq!(new.version, 2);
    assert!(!new.ciphertext.windows(8).any(|part| marked.windows(8).any(|mark| part == mark)));
    assert_eq!(open(&key, 0, b"aad", &new.ciphertext).unwrap().plaintext.expose(), marked);
    undecryptable(rewrap(&key, 0, b"other", &old.ciphertext));
}

#[test]
fn a_key_does_only_what_it_was_made_for() {
    let sealing = hot(KeyType::Aes256Gcm, &[Use::Encrypt]);
    let sealed = seal(&sealing, b"", &secret(b"plain")).unwrap();
    assert_eq!(reason(open(&sealing, 0, b"", &sealed.ciphertext)), "OPERATION_NOT_ALLOWED");
    assert_eq!(reason(rewrap(&sealing, 0, b"", &sealed.ciphertext)), "OPERATION_NOT_ALLOWED");
    assert_eq!(reason(sign(&sealing, None, b"m")), "OPERATION_NOT_ALLOWED");
    assert_eq!(reason(mac(&sealing, b"m")), "OPERATION_NOT_ALLOWED");
    let signing = hot(KeyType::Ed25519, &[Use::Sign]);
    assert_eq!(reason(seal(&signing, b"", &secret(b"plain"))), "OPERATION_NOT_ALLOWED");
    assert_eq!(reason(verify(&signing, None, 0, b"m", b"s")), "OPERATION_NOT_ALLOWED");
}

#[test]
fn payloads_past_their_limit_are_refused() {
    let key = hot(KeyType::Aes256Gcm, &[]);
    let most = vec![1; MAX_PAYLOAD];
    let sealed = seal(&key, &[1; MAX_AAD], &secret(&most)).unwrap();
    assert_eq!(open(&key, 0, &[1; MAX_AAD], &sealed.ciphertext).unwrap().plaintext.len(), MAX_PAYLOAD);
    let limit = |refused: bool| assert!(refused);
    limit(matches!(seal(&key, &[], &secret(&vec![1; MAX_PAYLOAD + 1])), Err(EngineError::Limit { .. })));
    limit(matches!(seal(&key, &[1; MAX_AAD + 1], &secret(b"")), Err(EngineError::Limit { .. })));
    limit(matches!(open(&key, 0, &[], &vec![1; MAX_PAYLOAD + OVERHEAD + 1]), Err(EngineError::Limit { .. })));
    limit(matches!(mac(&hot(KeyType::HmacSha256, &[]), &vec![1; MAX_PAYLOAD + 1]), Err(EngineError::Limit { .. })));
}

#[test]
fn a_data_key_opens_to_what_was_shown() {
    let key = hot(KeyType::Aes256Gcm, &[]);
    for (asked, len) in [(0, 32), (16, 16), (64, 64)] {
        let made = make(&key, asked, b"aad").unwrap();
        assert_eq!(made.plaintext.len(), len);
        assert!(open(&key, 0, b"aad", &made.sealed.ciphertext).unwrap().plaintext.same_as(&made.plaintext));
    }
    assert!(make(&key, 15, b"").is_err() && make(&key, 65, b"").is_err());
}

#[test]
fn every_type_signs_in_every_way_that_fits_it() {
    let elliptic = [Scheme::EcdsaDer, Scheme::EcdsaFixed];
    let rsa = [
        Scheme::RsaPssSha256,
        Scheme::RsaPssSha384,
        Scheme::RsaPssSha512,
        Scheme::RsaPkcs1Sha256,
        Scheme::RsaPkcs1Sha384,
        Scheme::RsaPkcs1Sha512,
    ];
    let table: [(KeyType, &[Scheme], Scheme); 4] = [
        (KeyType::Ed25519, &[Scheme::Ed25519], Scheme::EcdsaDer),
        (KeyType::EcdsaP256, &elliptic, Scheme::RsaPssSha256),
        (KeyType::EcdsaP384, &elliptic, Scheme::Ed25519),
        (KeyType::Rsa2048, &rsa, Scheme::EcdsaFixed),
    ];
    for (kind, fitting, foreign) in table {
        let key = hot(kind, &[]);
        let old = sign(&key, None, b"message").unwrap();
        for scheme in fitting {
            let made = sign(&key, Some(*scheme), b"message").unwrap();
            let check =
                |message: &[u8], signature: &[u8]| verify(&key, Some(*scheme), 0, message, signature).unwrap().valid;
            assert!(check(b"message", &made.bytes));
            assert!(!check(b"messagf", &made.bytes) && !check(b"message", b"") && !check(b"message", &made.bytes[1..]));
        }
        assert!(matches!(sign(&key, Some(foreign), b"m"), Err(EngineError::Invalid { .. })), "{kind}");
        assert!(matches!(verify(&key, Some(foreign), 0, b"m", b"s"), Err(EngineError::Invalid { .. })), "{kind}");
        let key = again(&key, rotate);
        assert!(verify(&key, None, 1, b"message", &old.bytes).unwrap().valid);
        assert_eq!(verify(&key, None, 0, b"message", &old.bytes).unwrap(), Verified { valid: false, version: 2 });
    }
}

#[test]
fn a_signature_holds_for_whoever_has_the_public_key() {
    for kind in [KeyType::Ed25519, KeyType::EcdsaP256, KeyType::Rsa2048] {
        let key = hot(kind, &[]);
        let made = sign(&key, None, b"message").unwrap();
        let public = key.prepared(key.material(1).unwrap()).unwrap().public_key().unwrap().to_spki();
        let public = keyward_sdk::crypto::asymmetric::PublicKey::from_spki(&public).unwrap();
        let usual = super::sign::fitting(public.kind(), None).unwrap();
        public.verify(usual, b"message", &made.bytes).unwrap();
    }
}

#[test]
fn codes_hold_for_their_message_and_version_only() {
    let key = hot(KeyType::HmacSha256, &[]);
    let made = mac(&key, b"message").unwrap();
    assert!(verify_mac(&key, 0, b"message", &made.mac).unwrap().valid);
    assert!(!verify_mac(&key, 0, b"messagf", &made.mac).unwrap().valid);
    assert!(!verify_mac(&key, 0, b"message", &made.mac[..16]).unwrap().valid);
    let key = again(&key, rotate);
    assert!(verify_mac(&key, 1, b"message", &made.mac).unwrap().valid);
    assert!(!verify_mac(&key, 0, b"message", &made.mac).unwrap().valid);
}

#[test]
fn an_rsa_key_decrypts_what_its_public_key_encrypted_elsewhere() {
    let key = hot(KeyType::Rsa2048, &[Use::Encrypt, Use::Decrypt]);
    let public = key.prepared(key.material(1).unwrap()).unwrap().public_key().unwrap().to_spki();
    let public = OaepPublicKey::from_spki(&public).unwrap();
    let sealed = public.encrypt(OaepHash::Sha256, &secret(b"plain"), b"label").unwrap();
    assert_eq!(open(&key, 0, b"label", &sealed).unwrap().plaintext.expose(), b"plain");
    undecryptable(open(&key, 0, b"other", &sealed));
    undecryptable(open(&key, 0, b"label", &sealed[1..]));
    let own = seal(&key, b"", &secret(b"plain")).unwrap();
    let key = again(&key, rotate);
    assert_eq!(open(&key, 1, b"", &own.ciphertext).unwrap().plaintext.expose(), b"plain");
    undecryptable(open(&key, 0, b"", &own.ciphertext));
    assert!(matches!(seal(&key, b"", &secret(&[1; 300])), Err(EngineError::Invalid { .. })));
}

#[test]
fn each_item_of_a_batch_has_a_result_of_its_own() {
    let key = hot(KeyType::Aes256Gcm, &[]);
    let items = [(b"one".to_vec(), "a"), (vec![1; MAX_PAYLOAD + 1], "b"), (b"three".to_vec(), "c")];
    let items: Vec<_> =
        items.into_iter().map(|(p, aad)| ToEncrypt { plaintext: secret(&p), aad: aad.into() }).collect();
    let BatchOf(sealed) = encrypt(&key, &items).unwrap();
    assert!(matches!(sealed[..], [Ok(_), Err(EngineError::Limit { .. }), Ok(_)]));
    let first = sealed[0].as_ref().unwrap().ciphertext.clone();
    let item = |ciphertext: &[u8], aad: &str| ToDecrypt {
        ciphertext: bytes::Bytes::copy_from_slice(ciphertext),
        aad: bytes::Bytes::copy_from_slice(aad.as_bytes()),
        version: 0,
    };
    let BatchOf(opened) = decrypt(&key, &[item(&first, "b"), item(&first, "a"), item(b"", "")]).unwrap();
    assert!(matches!(opened[..], [Err(EngineError::Undecryptable(_)), Ok(_), Err(EngineError::Undecryptable(_))]));
    assert_eq!(opened[1].as_ref().unwrap().plaintext.expose(), b"one");
}

#[test]
fn a_batch_has_one_to_a_thousand_items() {
    let key = hot(KeyType::Aes256Gcm, &[]);
    let items =
        |count| (0..count).map(|_| ToEncrypt { plaintext: secret(b"x"), aad: bytes::Bytes::new() }).collect::<Vec<_>>();
    assert!(matches!(encrypt(&key, &items(0)), Err(EngineError::Invalid { .. })));
    assert!(encrypt(&key, &items(MAX_ITEMS)).unwrap().0.iter().all(Result::is_ok));
    assert!(matches!(encrypt(&key, &items(MAX_ITEMS + 1)), Err(EngineError::Limit { .. })));
}

#[test]
fn random_bytes_come_in_the_length_that_was_asked_for() {
    for bytes in [1, 32, 64 << 10] {
        assert_eq!(GenerateRandom { bytes }.draw().unwrap().0.len(), bytes);
    }
    for bytes in [0, (64 << 10) + 1, usize::MAX] {
        assert!(GenerateRandom { bytes }.draw().is_err());
    }
}

proptest! {
    #[test]
    fn whatever_is_encrypted_opens_again(plain: Vec<u8>, aad: Vec<u8>, chacha: bool, rotations in 0..3) {
        let key = hot(SYMMETRIC[usize::from(chacha)], &[]);
        let sealed = seal(&key, &aad, &secret(&plain)).unwrap();
        let key = again(&key, |record| (0..rotations).for_each(|_| rotate(record)));
        let opened = open(&key, 0, &aad, &sealed.ciphertext).unwrap();
        prop_assert_eq!(opened.plaintext.expose(), &plain[..]);
    }

    #[test]
    fn a_changed_byte_is_never_plaintext(plain: Vec<u8>, at: prop::sample::Index, bit in 0..8_u32) {
        let key = hot(KeyType::Aes256Gcm, &[]);
        let mut sealed = seal(&key, b"", &secret(&plain)).unwrap().ciphertext;
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(matches!(open(&key, 0, b"", &sealed), Err(EngineError::Undecryptable(_))));
    }

    #[test]
    fn random_bytes_are_no_ciphertext(bytes: Vec<u8>, version: u32) {
        for kind in SYMMETRIC {
            prop_assert!(open(&hot(kind, &[]), version, b"", &bytes).is_err());
        }
    }
}
