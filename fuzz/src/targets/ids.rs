//! Ids, times, durations and sizes as text: one id has one spelling.

use keyward::{
    method::{RequestId, TenantId},
    seal::RootFingerprint,
};
use keyward_kit::{cluster::KeyId, settings::{HumanDuration, HumanSize}};
use keyward_sdk::{id::Id16, time::Timestamp};

use crate::support::texts;

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = text.parse::<Id16>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = text.parse::<KeyId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = text.parse::<RequestId>() {
        assert_eq!(id.as_str(), text);
    }
    if let Some(id) = TenantId::from_hex(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(fingerprint) = text.parse::<RootFingerprint>() {
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string().parse(), Ok(time), "a time reads otherwise than it was shown");
    }
    if let Ok(duration) = text.parse::<HumanDuration>() {
        assert_eq!(duration.to_string().parse(), Ok(duration), "a duration reads otherwise than it was shown");
    }
    let _size = text.parse::<HumanSize>();
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "",
        "aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "kw1.0101010101010101.0202020202020202.7.0303030303030303",
        "0123456789abcdef0123456789abcdef",
        "1933ded99bbf878d3da0c68d893602dc250b47792b7b0374d21e6ff8c8765c4a",
        "2026-11-22T21:16:43.25Z",
        "2026-01-01T01:00:00+01:00",
        "1w2d3h4m5s6ms",
        "512KiB",
    ])
}
