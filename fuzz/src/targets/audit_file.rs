//! Files of the audit log, as `audit verify` and `audit show` read them.

use std::{fs, path::Path, sync::{Arc, LazyLock}, time::Duration};

use keyward_kit::audit::{
    Durability, FileLog, Priority, Record,
    file::{Disk, Options},
    read::Records,
    verify::{Expected, verify},
};
use keyward_sdk::time::ManualClock;
use tempfile::TempDir;

use crate::support::NOW;

/// The first file of a log that began at [`NOW`].
const FILE: &str = "audit-1800000000000-000000.kwa";

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

pub(super) fn run(bytes: &[u8]) {
    let folder = FOLDER.path();
    fs::write(folder.join(FILE), bytes).unwrap();
    let report = verify(folder, &Expected::default()).unwrap();
    let counted: u64 = report.logs.iter().map(|log| log.records).sum();
    let read = count(folder);
    // An end that is not whole is remarked: it may be a write under way.
    if report.is_clean() && report.remarks.is_empty() {
        assert_eq!(read, Some(counted), "a sound log does not read as it was counted");
    }
}

/// How many records can be read; none if the file says that it is damaged.
fn count(folder: &Path) -> Option<u64> {
    let mut records = Records::open(folder, NOW.millis(), 0).unwrap();
    let mut count = 0;
    while let Some(found) = records.next().ok()? {
        let _any_bytes_do = Record::parse(&found.body);
        count += 1;
    }
    Some(count)
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let written = |count: usize| {
        let folder = tempfile::tempdir().unwrap();
        let soon = Duration::from_secs(30);
        let options = Options { reserve_bytes: 4 << 10, ..Options::new("inst", "r1", ManualClock::at(NOW)) };
        let log = FileLog::open(Arc::new(Disk::open(folder.path()).unwrap()), &options).unwrap();
        runtime.block_on(async {
            for _ in 0..count {
                let mut body = Vec::new();
                Record { method: "m", ..Record::default() }.encode(&mut body).unwrap();
                log.append(body, Durability::Os, Priority::Normal, soon).await.unwrap();
            }
            log.close(soon).await.unwrap();
        });
        fs::read(folder.path().join(FILE)).unwrap()
    };
    vec![vec![], written(0), written(3)]
}
