//! The seal record, which lies in clear beside the store, and what becomes of one that is not true.

use keyward::seal::{Progress, SealRecord};
use keyward_sdk::{secret::SecretString, time::ManualClock};

use crate::support::{NOW, hex, rows};

pub(super) fn run(bytes: &[u8]) {
    let Ok(record) = SealRecord::parse(bytes) else { return };
    assert_eq!(record.encode().unwrap(), bytes, "a record has a second spelling");
    assert!(!record.paths().is_empty());
    // Whatever it says, a share that it does not know is refused, and no share opens a record that was changed.
    let frozen = rows(include_str!("../../../tests/vectors/seal.json"));
    let whole = frozen.iter().any(|row| hex(&row["record"]) == bytes);
    let mut progress = Progress::new(record, ManualClock::at(NOW), None).unwrap();
    for share in frozen.iter().flat_map(|row| row["shares"].as_array().unwrap()) {
        let share = SecretString::new(share.as_str().unwrap().to_owned()).unwrap();
        let opened = matches!(progress.submit(&share), Ok(keyward::seal::Step::Open(_)));
        assert!(whole || !opened, "an altered record was believed");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    rows(include_str!("../../../tests/vectors/seal.json")).iter().map(|row| hex(&row["record"])).collect()
}
