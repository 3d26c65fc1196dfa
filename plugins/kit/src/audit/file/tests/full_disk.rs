//! A disk that is really full: a small file system in memory, in a mount namespace of its own.

use std::{fs, io::Write, path::Path, process::Command};

use super::*;

const DIR: &str = "KEYWARD_TEST_FULL_DISK_DIR";

/// Fills the file system that it is given. On its own there is none, and it shows that the same calls work with space.
#[tokio::test]
async fn child_on_a_small_disk() {
    let own = TempDir::new().unwrap();
    let given = std::env::var_os(DIR);
    let dir = given.as_deref().map_or(own.path(), Path::new);
    let log_dir = dir.join("log");
    let log = FileLog::open(Arc::new(Disk::open(&log_dir).unwrap()), &options()).unwrap();
    add(&log, "before").await.unwrap();
    if given.is_some() {
        let mut ballast = fs::File::create(dir.join("ballast")).unwrap();
        while ballast.write_all(&[7; 512]).is_ok() {}
        while add(&log, "fills").await.is_ok() {}
        assert_eq!(add(&log, "refused").await, Err(AppendError::Full));
        add_urgent(&log, "seal").await.unwrap();
        add_urgent(&log, "revoke").await.unwrap();
        assert_eq!(add(&log, "refused").await, Err(AppendError::Full));
        fs::remove_file(dir.join("ballast")).unwrap();
        drop(ballast);
    }
    add(&log, "after").await.unwrap();
    log.close(SOON).await.unwrap();
    let report = verify(&log_dir, &Expected::default()).unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert!(log_dir.join(writer::RESERVE).exists());
}

#[test]
fn a_really_full_disk_takes_urgent_records_only_and_recovers() {
    let dir = TempDir::new().unwrap();
    // Root needs no user namespace, and may not be allowed to make one.
    let namespaces = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let script = "mount -t tmpfs -o size=2m,mode=700 tmpfs \"$1\" && exec \"$2\" --exact \"$3\" --nocapture";
    let ran = Command::new("unshare")
        .args([namespaces, "sh", "-c", script, "sh"])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .arg("audit::file::tests::full_disk::child_on_a_small_disk")
        .env(DIR, dir.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
}
