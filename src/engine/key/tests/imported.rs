//! What imports of key material promise.

use std::collections::BTreeSet;

use keyward_sdk::{
    crypto::{
        asymmetric::{self, KeyKind},
        lc::{OaepHash, OaepPublicKey, kwp_wrap},
    },
    secret::{Key32, Secret},
};

use super::{NOW, reason};
use crate::engine::key::{ImportRecord, KeyType, Material, Wrapping};

fn import_record() -> (ImportRecord, OaepPublicKey) {
    let (private, public) = crate::engine::key::parameters::make(KeyKind::Rsa3072).unwrap();
    let record = ImportRecord { path: "app/db".parse().unwrap(), key_id: [1; 16], private, expires_at: NOW };
    (record, OaepPublicKey::from_spki(&public).unwrap())
}

fn wrap(public: &OaepPublicKey, material: &Secret) -> Vec<u8> {
    let key = Key32::random();
    let mut wrapped = public.encrypt(OaepHash::Sha256, &key.to_secret(), &[]).unwrap();
    wrapped.extend(kwp_wrap(&key, material).unwrap());
    wrapped
}

#[test]
fn material_is_imported_in_both_wrappings() {
    let (import, public) = import_record();
    let aes = Secret::random(32);
    let direct = public.encrypt(OaepHash::Sha256, &aes, &[]).unwrap();
    assert!(crate::engine::key::import::unwrap(&import, Wrapping::RsaOaep, &direct).unwrap().same_as(&aes));
    for kind in [KeyKind::Ed25519, KeyKind::EcdsaP384, KeyKind::Rsa2048] {
        let material = asymmetric::generate(kind).unwrap();
        let opened =
            crate::engine::key::import::unwrap(&import, Wrapping::RsaAesKeyWrap, &wrap(&public, &material)).unwrap();
        assert!(opened.same_as(&material));
        let ours = KeyType::ALL.into_iter().find(|ours| ours.pair() == Some(kind)).unwrap();
        Material::imported(ours, opened).unwrap();
    }
}

#[test]
fn a_wrapped_key_that_was_changed_cut_or_made_for_another_key_is_refused_alike() {
    let (import, public) = import_record();
    let (_, foreign) = import_record();
    let good = wrap(&public, &Secret::random(32));
    let mut all = vec![Vec::new(), vec![0; 384], vec![0; 16 << 10], wrap(&foreign, &Secret::random(32))];
    all.extend([0, 100, 383, 384, good.len() - 1].map(|at| {
        let mut bad = good.clone();
        bad[at] ^= 1;
        bad
    }));
    // 384 bytes alone would be the AES key in the other wrapping, and open.
    all.extend([1, 383, 385, good.len() - 8].map(|len| good[..len].to_vec()));
    let answers: BTreeSet<String> = all
        .iter()
        .flat_map(|bad| {
            [Wrapping::RsaOaep, Wrapping::RsaAesKeyWrap]
                .map(|how| crate::engine::key::import::unwrap(&import, how, bad))
        })
        .map(|refused| refused.unwrap_err().to_string())
        .collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[test]
fn what_is_no_key_of_the_type_is_not_imported() {
    let p256 = asymmetric::generate(KeyKind::EcdsaP256).unwrap();
    let copy = || Secret::copy_of(p256.expose()).unwrap();
    for kind in KeyType::ALL.into_iter().filter(|kind| *kind != KeyType::EcdsaP256) {
        assert_eq!(reason(Material::imported(kind, copy()).unwrap_err()), "wrapped_key", "{kind}");
    }
    for (kind, len) in
        [(KeyType::Aes256Gcm, 31), (KeyType::Aes256Gcm, 33), (KeyType::HmacSha256, 31), (KeyType::HmacSha256, 65)]
    {
        assert!(Material::imported(kind, Secret::random(len)).is_err());
    }
    assert!(Material::imported(KeyType::HmacSha256, Secret::random(64)).is_ok());
}
