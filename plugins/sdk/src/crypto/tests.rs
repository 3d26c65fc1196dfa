//! Round trips and refusals of key pairs, RSA-OAEP and public key encodings; what vectors do not show.

use super::{
    CryptoError,
    asymmetric::{KeyKind, PrivateKey, PublicKey, Scheme, generate},
    lc::{self, OaepHash, OaepPrivateKey, OaepPublicKey},
    spki,
};
use crate::secret::{Key32, Secret};

const RSA: [Scheme; 6] = [
    Scheme::RsaPkcs1Sha256,
    Scheme::RsaPkcs1Sha384,
    Scheme::RsaPkcs1Sha512,
    Scheme::RsaPssSha256,
    Scheme::RsaPssSha384,
    Scheme::RsaPssSha512,
];
const OTHERS: [Scheme; 3] = [Scheme::Ed25519, Scheme::EcdsaDer, Scheme::EcdsaFixed];

fn fits(kind: KeyKind, scheme: Scheme) -> bool {
    match scheme {
        Scheme::Ed25519 => kind == KeyKind::Ed25519,
        Scheme::EcdsaDer | Scheme::EcdsaFixed => matches!(kind, KeyKind::EcdsaP256 | KeyKind::EcdsaP384),
        _ => kind.is_rsa(),
    }
}

#[test]
fn every_kind_signs_with_its_schemes_and_no_other() {
    for kind in KeyKind::ALL {
        let pkcs8 = generate(kind).unwrap();
        let key = PrivateKey::from_pkcs8(kind, &pkcs8).unwrap();
        let public = PublicKey::from_spki(&key.public_key().to_spki()).unwrap();
        assert_eq!((public.kind(), &public), (kind, &key.public_key()));
        assert_eq!(PublicKey::from_raw(kind, public.raw()).as_ref(), Ok(&public));
        for scheme in RSA.into_iter().chain(OTHERS) {
            let signed = key.sign(scheme, b"message");
            if !fits(kind, scheme) {
                assert_eq!(signed, Err(CryptoError::Scheme), "{kind:?} {scheme:?}");
                assert_eq!(public.verify(scheme, b"message", b"x"), Err(CryptoError::Scheme));
                continue;
            }
            let signature = signed.unwrap();
            public.verify(scheme, b"message", &signature).unwrap();
            assert_eq!(public.verify(scheme, b"another", &signature), Err(CryptoError::Signature));
            let mut wrong = signature.clone();
            wrong[signature.len() / 2] ^= 1;
            assert_eq!(public.verify(scheme, b"message", &wrong), Err(CryptoError::Signature));
        }
        for other in KeyKind::ALL.into_iter().filter(|other| *other != kind) {
            assert!(PrivateKey::from_pkcs8(other, &pkcs8).is_err(), "{kind:?} read as {other:?}");
            assert!(spki::decode(other, &public.to_spki()).is_err(), "{kind:?} read as {other:?}");
        }
        assert_eq!(format!("{key:?}"), format!("PrivateKey({}, ..)", kind.name()));
    }
}

#[test]
fn a_public_key_from_a_modulus_with_leading_zeros_is_the_same_key() {
    let key = PrivateKey::from_pkcs8(KeyKind::Rsa2048, &generate(KeyKind::Rsa2048).unwrap()).unwrap();
    let public = key.public_key();
    let modulus = &public.raw()[9..9 + 256]; // after SEQUENCE (4), INTEGER (4) and the sign byte
    for modulus in [modulus.to_vec(), [&[0], modulus].concat(), [&[0, 0, 0], modulus].concat()] {
        let raw = spki::rsa_public_key(&modulus, &[1, 0, 1]);
        assert_eq!(PublicKey::from_raw(KeyKind::Rsa2048, &raw).as_ref(), Ok(&public));
    }
}

#[test]
fn broken_public_keys_are_refused() {
    for kind in [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa2048] {
        let spki = PrivateKey::from_pkcs8(kind, &generate(kind).unwrap()).unwrap().public_key().to_spki();
        for len in 0..spki.len() {
            assert!(PublicKey::from_spki(&spki[..len]).is_err(), "{kind:?} cut to {len}");
        }
        assert!(PublicKey::from_spki(&[&spki[..], &[0]].concat()).is_err());
    }
    assert!(PublicKey::from_raw(KeyKind::Rsa2048, &spki::rsa_public_key(&[0xff; 128], &[3])).is_err(), "1024 bits");
    assert!(PublicKey::from_raw(KeyKind::Rsa2048, &[]).is_err());
}

#[test]
fn oaep_opens_with_the_same_hash_and_label_only() {
    let pkcs8 = lc::rsa_generate(KeyKind::Rsa2048).unwrap();
    let key = OaepPrivateKey::from_pkcs8(&pkcs8).unwrap();
    let spki = PrivateKey::from_pkcs8(KeyKind::Rsa2048, &pkcs8).unwrap().public_key().to_spki();
    let public = OaepPublicKey::from_spki(&spki).unwrap();
    let secret = Secret::random(32);
    for (hash, other) in [(OaepHash::Sha1, OaepHash::Sha256), (OaepHash::Sha256, OaepHash::Sha1)] {
        let sealed = public.encrypt(hash, &secret, b"label").unwrap();
        assert!(key.decrypt(hash, &sealed, b"label").unwrap().same_as(&secret));
        for (hash, label) in [(other, &b"label"[..]), (hash, b""), (hash, b"labeL")] {
            assert_eq!(key.decrypt(hash, &sealed, label).unwrap_err(), CryptoError::Authentication);
        }
        let longest = Secret::random(public.max_plaintext(hash));
        assert!(key.decrypt(hash, &public.encrypt(hash, &longest, b"").unwrap(), b"").unwrap().same_as(&longest));
        let too_long = Secret::random(longest.len() + 1);
        assert!(matches!(public.encrypt(hash, &too_long, b""), Err(CryptoError::Length { .. })));
    }
}

#[test]
fn key_wrap_refuses_what_it_cannot_take() {
    let kek = Key32::random();
    for len in [0, 8, 15, 17] {
        assert!(lc::kw_wrap(&kek, &Secret::random(len)).is_err(), "{len}");
    }
    for len in [1, 7, 8, 9, 31, 32, 2400] {
        let key = Secret::random(len);
        let wrapped = lc::kwp_wrap(&kek, &key).unwrap();
        assert!(lc::kwp_unwrap(&kek, &wrapped).unwrap().same_as(&key), "{len}");
        assert_eq!(lc::kwp_unwrap(&Key32::random(), &wrapped).unwrap_err(), CryptoError::Authentication);
    }
    assert!(lc::kwp_wrap(&kek, &Secret::random(0)).is_err());
    assert!(lc::kwp_unwrap(&kek, &[]).is_err() && lc::kw_unwrap(&kek, &[0; 24]).is_err());
}
