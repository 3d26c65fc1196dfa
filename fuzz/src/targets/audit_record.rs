//! Audit records in their binary form.

use keyward_kit::audit::record::{Record, sequence_of};

use crate::support::{hex, rows};

pub(super) fn run(bytes: &[u8]) {
    let Ok(record) = Record::parse(bytes) else { return };
    assert_eq!(sequence_of(bytes), Some(record.sequence));
    let mut again = Vec::new();
    record.encode(&mut again).unwrap();
    assert_eq!(again, bytes, "a record has a second spelling");
    let shown = record.to_json();
    assert!(shown.is_object());
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    rows(include_str!("../../../tests/vectors/audit.json")).iter().map(|row| hex(&row["hex"])).collect()
}
