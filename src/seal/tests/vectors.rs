//! Records that shipped: they open for ever. Rows are added, never edited.

use data_encoding::HEXLOWER;
use keyward_sdk::secret::SecretString;
use serde::Deserialize;

use super::*;
use crate::seal::{BuiltIns, Progress, Step, open};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// What the row is of.
    name: String,
    /// The record.
    record: String,
    /// The root that it keeps.
    root: String,
    /// Its public fingerprint.
    fingerprint: String,
    /// The installation's id.
    installation: String,
    /// Shares that open it, as people type them.
    shares: Vec<String>,
    /// The key in the key file that opens it.
    key_file: String,
}

fn rows() -> Vec<Row> {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../../../tests/vectors/seal.json")).unwrap();
    assert!(!rows.is_empty());
    rows
}

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// Connects the key file of a row, wherever the record says it lay.
struct At(std::path::PathBuf);

#[async_trait]
impl Connect for At {
    async fn connect(
        &self,
        member: &Name,
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Arc<dyn KeyWrapper>, WrapError> {
        assert_eq!(settings["path"], "/etc/keyward/seal.key");
        let settings = BTreeMap::from([("path".to_owned(), self.0.display().to_string())]);
        BuiltIns.connect(member, kind, &settings).await
    }
}

#[tokio::test]
async fn records_that_shipped_open_by_their_key_file() {
    for row in rows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seal.key");
        std::fs::write(&file, hex(&row.key_file)).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let record = SealRecord::parse(&hex(&row.record)).unwrap();
        let clock = ManualClock::at(now());
        let how = How { connect: &At(file), clock: &*clock, member_timeout: Duration::from_secs(60), pin: None };
        let opened = open(&record, &how).await.unwrap();
        assert_eq!(opened.unsealed.root().expose()[..], hex(&row.root), "{}", row.name);
    }
}

#[test]
fn records_that_shipped_open_by_people_and_are_written_the_same() {
    for row in rows() {
        let record = SealRecord::parse(&hex(&row.record)).unwrap();
        assert_eq!(HEXLOWER.encode(&record.encode().unwrap()), row.record, "{}", row.name);
        assert_eq!(record.root().fingerprint.to_string(), row.fingerprint);
        assert_eq!(record.installation().to_string(), row.installation);
        let mut progress = Progress::new(record, ManualClock::at(now()), None).unwrap();
        let mut opened = None;
        for share in row.shares {
            match progress.submit(&SecretString::new(share).unwrap()).unwrap() {
                Step::Open(unsealed) if opened.is_none() => opened = Some(unsealed),
                Step::Again(_) | Step::More(_) | Step::Open(_) => {}
            }
        }
        assert_eq!(opened.unwrap().root().expose()[..], hex(&row.root), "{}", row.name);
    }
}
