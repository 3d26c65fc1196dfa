//! Published vectors (Wycheproof) with imported keys, through the code that requests run. The primitives by themselves are
//! checked in the sdk.

use std::collections::BTreeMap;

use keyward_sdk::{secret::Secret, time::Timestamp};
use wycheproof::{TestResult, mac as macs, rsa_oaep};

use super::{cipher::open, mac::verify_mac};
use crate::{
    engine::key::{HotKey, KeyType, Material, Use, tests::record},
    method::TenantId,
};

/// A key whose only usable version is this material.
fn imported(kind: KeyType, uses: &[Use], material: &[u8]) -> Option<HotKey> {
    let material = Material::imported(kind, Secret::copy_of(material).unwrap()).ok()?;
    let mut record = record(KeyType::HmacSha256, &[]);
    record.info.kind = kind;
    record.info.uses = kind.uses(&uses.iter().copied().collect()).unwrap();
    record.add_version(material, Timestamp::from_secs(1)).unwrap();
    Some(HotKey::new(TenantId([7; 16]), record, None))
}

fn judge(name: &str, published: TestResult, held: bool) {
    match published {
        TestResult::Valid => assert!(held, "{name} is valid and was refused"),
        TestResult::Invalid => assert!(!held, "{name} is invalid and was taken"),
        TestResult::Acceptable => {}
    }
}

#[test]
fn an_imported_hmac_key_checks_codes_as_published() {
    let mut run = BTreeMap::<bool, usize>::new();
    for group in macs::TestSet::load(macs::TestName::HmacSha256).unwrap().test_groups {
        for test in group.tests.into_iter().filter(|_| group.tag_size == 256) {
            // Shorter and longer keys than ours are not taken in the first place.
            let key = imported(KeyType::HmacSha256, &[], &test.key);
            *run.entry(key.is_some()).or_default() += 1;
            if let Some(key) = key {
                let verified = verify_mac(&key, 0, &test.msg, &test.tag).unwrap();
                judge(&format!("hmac {}", test.tc_id), test.result, verified.valid);
            }
        }
    }
    assert!(run[&true] > 30, "{run:?}");
}

#[test]
fn an_imported_rsa_key_decrypts_as_published() {
    let mut run = 0;
    for group in rsa_oaep::TestSet::load(rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256).unwrap().test_groups {
        let key = imported(KeyType::Rsa2048, &[Use::Decrypt], &group.pkcs8).unwrap();
        for test in group.tests {
            run += 1;
            let opened = open(&key, 0, &test.label, &test.ct);
            judge(&format!("oaep {}", test.tc_id), test.result, opened.is_ok());
            assert!(opened.is_err() || opened.is_ok_and(|opened| opened.plaintext.expose() == &test.pt[..]));
        }
    }
    assert!(run > 20, "{run}");
}
