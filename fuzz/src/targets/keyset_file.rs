//! The keyset file of a node: as it lies on the disk, and with its hash mended, to get past it.

use keyward_kube_kms::keyset::{KeysetFile, parse_keyset_file};
use keyward_sdk::{crypto::digest::sha256, wrapper::Wrapped};

pub(super) fn run(bytes: &[u8]) {
    check(bytes);
    check(&[bytes, &sha256(bytes)].concat());
}

fn check(bytes: &[u8]) {
    if let Ok(file) = parse_keyset_file(bytes) {
        assert_eq!(file.encode(), bytes, "a keyset file has a second spelling");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let wrapped = |kind: &str, key: &str| Wrapped::new(kind, key, vec![5; 60]).unwrap();
    let files = [vec![], vec![wrapped("key-file", "1234")], vec![wrapped("key-file", "1234"), wrapped("passphrase", "p")]];
    let whole = files.map(|protectors| KeysetFile { protectors, sealed: vec![6; 90] }.encode());
    whole.iter().cloned().chain(whole.iter().map(|file| file[..file.len() - 32].to_vec())).collect()
}
