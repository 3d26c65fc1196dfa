//! Shares of the seal as people type them.

use keyward_sdk::shamir::code::{decode, encode};

use crate::support::rows;

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok((share, label)) = decode(text) else { return };
    assert!(label.k > 0 && label.k <= label.n && share.index() > 0 && share.index() <= label.n);
    let written = encode(&share, &label);
    let (again, same) = decode(written.expose()).unwrap();
    assert_eq!((again.index(), same), (share.index(), label));
    assert!(again.value().same_as(share.value()), "a share reads otherwise than it was written");
    // What people may type otherwise: small letters, O and I and L, dashes and spaces.
    let plain = |text: &str| {
        let text = text.to_ascii_uppercase().replace('O', "0").replace(['I', 'L'], "1");
        text.chars().filter(|c| *c != '-' && !c.is_whitespace()).collect::<String>()
    };
    assert_eq!(plain(written.expose()), plain(text), "a share has a second spelling");
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let frozen = rows(include_str!("../../../tests/vectors/shamir.json"));
    let codes = frozen.iter().flat_map(|row| row["codes"].as_array().unwrap());
    codes.take(12).map(|code| code.as_str().unwrap().as_bytes().to_vec()).collect()
}
