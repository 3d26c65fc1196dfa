//! The keyset inside its seal, and the ids that it gives rise to.

use std::{sync::Arc, time::Duration};

use keyward_kit::cluster::{ClusterId, ClusterKeyId, KeyId, SeedPlace};
use keyward_kube_kms::keyset::{ClusterKey, Keyset, Limits, Mode, Version, VersionState, decode, encode};
use keyward_sdk::secret::Key32;

use crate::support::NOW;

pub(super) fn run(bytes: &[u8]) {
    let Ok(keyset) = decode(bytes) else { return };
    assert_eq!(encode(&keyset).unwrap().expose(), bytes, "a keyset has a second spelling");
    let primary = keyset.version(keyset.primary).unwrap();
    let id = keyset.key_id(primary);
    assert_eq!(id.to_string().parse::<KeyId>(), Ok(id));
    if let Some(flipped) = keyset.flipped(NOW) {
        assert!(flipped.check().is_ok(), "a keyset makes no sense once its next version is in place");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let version = |version: u32, mode: Mode| {
        let material = (mode == Mode::Local).then(|| ClusterKey::new(Key32::copy_of(&[9; 32])));
        Arc::new(Version { version, random: [version as u8; 8], state: VersionState::Enabled, material })
    };
    let keyset = |mode: Mode, count: u32| Keyset {
        place: SeedPlace { tenant: [1; 16], cluster: ClusterId::from_bytes([2; 16]), key: ClusterKeyId::from_bytes([3; 16]) },
        generation: 4,
        mode,
        primary: 1,
        next: (count > 1).then_some((2, NOW)),
        limits: Limits { offline_max: Some(Duration::from_secs(60)), offline_writes_max: None },
        versions: (1..=count).map(|number| version(number, mode)).collect(),
    };
    let sets = [keyset(Mode::Local, 1), keyset(Mode::Local, 3), keyset(Mode::Remote, 2)];
    sets.iter().map(|keyset| encode(keyset).unwrap().expose().to_vec()).collect()
}
