//! The line with which a node joins: as it is pasted, and with its checksum mended, to get past it.

use data_encoding::BASE64URL_NOPAD;
use keyward_kit::cluster::JoinString;
use keyward_sdk::{crypto::digest::sha256, secret::Key32};

pub(super) fn run(bytes: &[u8]) {
    if let Ok(line) = std::str::from_utf8(bytes) {
        check(line);
    }
    let mended = [&sha256(bytes)[..4], bytes].concat();
    check(&format!("kwj1.{}", BASE64URL_NOPAD.encode(&mended)));
}

fn check(line: &str) {
    if let Ok(join) = JoinString::parse(line) {
        assert_eq!(join.encode().unwrap().expose(), line.trim(), "a join string has a second spelling");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let join = |endpoints: &[&str]| JoinString {
        cluster: "prod-1".to_owned(),
        endpoints: endpoints.iter().map(|endpoint| (*endpoint).to_owned()).collect(),
        token: Key32::copy_of(&[5; 32]),
        ca_pin: [6; 32],
    };
    let lines = [join(&["broker.example:7443"]), join(&["a:1", "[::1]:7443"])].map(|join| join.encode().unwrap());
    let body = |line: &str| BASE64URL_NOPAD.decode(line.strip_prefix("kwj1.").unwrap().as_bytes()).unwrap()[4..].to_vec();
    lines.iter().flat_map(|line| [line.expose().as_bytes().to_vec(), body(line.expose())]).collect()
}
