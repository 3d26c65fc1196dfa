//! The examples of the RFCs themselves, from tests/vectors/rfc.json.

use serde::Deserialize;

use crate::{
    crypto::{digest, hkdf::Prk, lc},
    secret::{Key32, Secret},
};

#[derive(Deserialize)]
struct Vectors {
    hkdf_sha256: Vec<Hkdf>,
    aes_key_wrap: Vec<Wrap>,
    digest: Vec<Digest>,
}

#[derive(Deserialize)]
struct Hkdf {
    name: String,
    ikm: String,
    salt: String,
    info: String,
    okm: String,
}

#[derive(Deserialize)]
struct Wrap {
    name: String,
    kek: String,
    key: String,
    wrapped: String,
}

#[derive(Deserialize)]
struct Digest {
    message: String,
    sha256: String,
    sha384: String,
    sha512: String,
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap()
}

fn vectors() -> Vectors {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/rfc.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn hkdf_as_in_rfc_5869() {
    let rows = vectors().hkdf_sha256;
    assert_eq!(rows.len(), 3);
    for row in rows {
        let mut okm = vec![0; row.okm.len() / 2];
        Prk::extract(&hex(&row.salt), &hex(&row.ikm)).expand(&[&hex(&row.info)], &mut okm).unwrap();
        assert_eq!(okm, hex(&row.okm), "{}", row.name);
    }
}

#[test]
fn key_wrap_as_in_rfc_3394() {
    let rows = vectors().aes_key_wrap;
    assert_eq!(rows.len(), 3);
    for row in rows {
        let (kek, key) = (Key32::from_slice(&hex(&row.kek)).unwrap(), Secret::new(hex(&row.key)).unwrap());
        assert_eq!(lc::kw_wrap(&kek, &key).unwrap(), hex(&row.wrapped), "{}", row.name);
        assert!(lc::kw_unwrap(&kek, &hex(&row.wrapped)).unwrap().same_as(&key), "{}", row.name);
    }
}

#[test]
fn digests_as_in_fips_180() {
    for row in vectors().digest {
        let message = row.message.as_bytes();
        assert_eq!(digest::sha256(message).as_slice(), hex(&row.sha256));
        assert_eq!(digest::sha384(message).as_slice(), hex(&row.sha384));
        assert_eq!(digest::sha512(message).as_slice(), hex(&row.sha512));
    }
}
