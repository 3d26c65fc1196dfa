//! What a daemon says that starts with something missing.

use std::os::unix::fs::PermissionsExt;

use keyward_testbed::wait_until;
use redb::{ReadableDatabase, ReadableTable};

use crate::support::{Daemon, Keyward, Wanted};

const INFO: &str = "[log]\nlevel = \"info\"\n";

#[tokio::test]
async fn a_key_file_that_others_may_read_is_named_with_what_to_do() {
    let mut daemon = Daemon::start_as(&Wanted { settings: INFO, ..Wanted::default() }).await;
    assert!(daemon.process_mut().stop().await.success());
    let key = daemon.folder().join("seal.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    daemon.start_again();
    daemon.wait_logged("Sealed: no path opens the root key without people").await;
    let log = daemon.process().log();
    let named =
        |line: &&str| line.contains(key.to_str().unwrap()) && line.contains("0644") && line.contains("chmod 0600");
    assert!(log.lines().any(|line| named(&line)), "{log}");
    let status = daemon.nobody().json(&["seal", "status"]);
    assert_eq!(status["state"], "sealed");
    assert!(status["reason"].as_str().unwrap().contains("auto"), "{status}");
    assert!(!status["reason"].as_str().unwrap().contains("seal.key"), "strangers learn of no file: {status}");
    // The daemon's own user is told as well what is wrong and what to do.
    let own = Keyward::alone().with("KEYWARD_ADDR", &format!("unix://{}/keyward.sock", daemon.folder().display()));
    let status = own.json(&["operator", "status"]);
    assert!(named(&status["reason"].as_str().unwrap()), "{status}");
    let tried = own.run(&["operator", "unseal", "--members"]);
    assert!(tried.code() == 1 && named(&tried.stderr.as_str()), "{tried:?}");
    // It is tried again by command, and by itself.
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(daemon.nobody().json(&["operator", "unseal", "--members"])["state"], "unsealed");
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_in_one_sentence() {
    let mut daemon = Daemon::start_as(&Wanted { settings: INFO, ..Wanted::default() }).await;
    assert!(daemon.process_mut().stop().await.success());
    let store = daemon.folder().join("keyward.store");
    let table = |name: &'static str| redb::TableDefinition::<&str, &[u8]>::new(name);
    let newer = 9_u64.to_be_bytes();
    {
        let database = redb::Database::open(&store).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(table("keyward.facts")).unwrap().insert("format", newer.as_slice()).unwrap();
        write.commit().unwrap();
    }
    let all = || {
        let database = redb::Database::open(&store).unwrap();
        let read = database.begin_read().unwrap();
        let mut all = Vec::new();
        for name in ["keyward.facts", "keyward.entries"] {
            let open = read.open_table(table(name)).unwrap();
            let rows = open.iter().unwrap().map(|row| row.unwrap());
            all.extend(rows.map(|(path, value)| (path.value().to_owned(), value.value().to_vec())));
        }
        all
    };
    let before = all();
    daemon.start_again();
    let ended = daemon.process_mut().wait_for_exit(std::time::Duration::from_secs(60)).await;
    assert_eq!(ended.code(), Some(1), "{ended}");
    let log = daemon.process().log();
    let said = log.lines().rfind(|line| line.starts_with("keyward: ")).unwrap_or_else(|| panic!("{log}"));
    assert!(said.contains(store.to_str().unwrap()) && said.contains("newer"), "{said}");
    assert!(before.len() > 10 && all() == before, "nothing in it was changed");
}

#[tokio::test]
async fn a_dead_seal_member_of_two_costs_a_warning_and_not_the_start() {
    let wanted = Wanted { settings: INFO, keys: &["one.key", "two.key"], ..Wanted::default() };
    let mut daemon = Daemon::start_as(&wanted).await;
    let up = async |daemon: &Daemon, member: &str| {
        let metrics = daemon.metrics().await;
        let line = metrics.lines().find(|line| line.starts_with("keyward_seal_member_up{") && line.contains(member));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u8>().ok())
    };
    wait_until("both members are proven", async || {
        up(&daemon, "key-file-1").await == Some(1) && up(&daemon, "key-file-2").await == Some(1)
    })
    .await;
    assert!(daemon.process_mut().stop().await.success());
    let gone = daemon.folder().join("two.key");
    std::fs::remove_file(&gone).unwrap();
    daemon.start_again();
    daemon.wait_open().await;
    wait_until("the dead one is counted", async || up(&daemon, "key-file-2").await == Some(0)).await;
    assert_eq!(up(&daemon, "key-file-1").await, Some(1));
    let log = daemon.process().log();
    let warned =
        |line: &str| line.contains("WARN") && line.contains("key-file-2") && line.contains(gone.to_str().unwrap());
    assert!(log.lines().any(warned), "{log}");
    let status = daemon.operator().json(&["status"]);
    let warnings = status["warnings"].as_array().unwrap();
    let of = |member: &str| warnings.iter().any(|warning| warning.as_str().unwrap().contains(member));
    assert!(of("key-file-2") && !of("key-file-1"), "{warnings:?}");
}
