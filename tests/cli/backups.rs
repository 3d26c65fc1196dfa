//! `keyward backup`.

use super::Transcript;
use crate::support::{Keyward, broker};

#[tokio::test]
async fn a_backup_is_made_checked_and_restored() {
    let broker = broker().start().await;
    let mut told = Transcript::of("backup", Keyward::operator(&broker));
    let made = told.keyward().json(&["backup", "create", "first.kwbackup"]);
    for field in ["entries", "bytes", "revision"] {
        assert!(made[field].as_u64().is_some_and(|number| number > 0), "{made}");
    }
    // How many bytes there are is a matter of what was written a moment ago.
    told.line("backup create first.kwbackup");
    told.line("backup verify missing");
    std::fs::write(told.keyward().home().join("letter"), "a letter").unwrap();
    told.line("backup verify letter");
    told.line("backup restore letter --to store");
    told.line("backup restore first.kwbackup --to letter");
    told.matches();
    let keyward = Keyward::operator(&broker);
    keyward.ok(&["backup", "create", "file"]);
    assert_eq!(keyward.json(&["backup", "verify", "file"])["state"], "whole");
    keyward.ok(&["backup", "restore", "file", "--to", "store"]);
    assert!(keyward.home().join("store").metadata().unwrap().len() > 0);
}
