use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use keyward_sdk::conformance::{self, Expect};
use tempfile::TempDir;

use super::*;

fn key() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    KeyFile::create(&path).unwrap();
    (folder, path)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_key_file_conforms() {
    let ((_a, ours), (_b, theirs)) = (key(), key());
    conformance::run(
        || async { KeyFile::new(&ours) },
        || async { KeyFile::new(&theirs) },
        Expect { kind: "key-file", ..Expect::ALL },
    )
    .await;
}

#[test]
fn a_new_file_is_for_its_owner_alone_and_leaves_no_draft() {
    let (folder, path) = key();
    let made = fs::metadata(&path).unwrap();
    assert_eq!((made.permissions().mode() & 0o7777, made.len()), (0o600, 32));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_is_there_is_never_overwritten() {
    let (folder, path) = key();
    let before = fs::read(&path).unwrap();
    assert!(matches!(KeyFile::create(&path), Err(KeyFileError::Exists(_))));
    let link = folder.path().join("link");
    symlink(folder.path().join("nowhere"), &link).unwrap();
    assert!(matches!(KeyFile::create(&link), Err(KeyFileError::Exists(_))));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn wider_modes_are_refused_for_root_too() {
    let (_folder, path) = key();
    for wide in [0o640, 0o604, 0o660, 0o601, 0o4600, 0o700] {
        mode(&path, wide);
        assert!(matches!(read::read(&path), Err(KeyFileError::Mode { mode, .. }) if mode == wide), "{wide:o}");
    }
    for narrow in [0o600, 0o400] {
        mode(&path, narrow);
        read::read(&path).unwrap();
    }
}

#[test]
fn a_file_of_another_user_is_refused_for_root_too() {
    let (_folder, path) = key();
    if !rustix::process::geteuid().is_root() {
        // Only root can give a file away; for others the same check is met from the other side.
        let foreign = Path::new("/etc/passwd");
        assert!(matches!(read::read(foreign), Err(KeyFileError::Owner { owner: 0, .. })));
        return;
    }
    std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
    assert!(matches!(read::read(&path), Err(KeyFileError::Owner { owner: 12345, user: 0, .. })));
}

#[test]
fn what_is_no_key_file_is_refused_and_not_waited_for() {
    let (folder, path) = key();
    let at = |name: &str| folder.path().join(name);
    symlink(&path, at("link")).unwrap();
    assert!(matches!(read::read(&at("link")), Err(KeyFileError::Symlink(_))));
    fs::create_dir(at("dir")).unwrap();
    assert!(matches!(read::read(&at("dir")), Err(KeyFileError::NotFile(_))));
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
    assert!(matches!(read::read(&at("pipe")), Err(KeyFileError::NotFile(_))));
    assert!(matches!(read::read(&at("none")), Err(KeyFileError::Io { .. })));
    for len in [0, 31, 33] {
        fs::write(&path, vec![1; len]).unwrap();
        assert!(matches!(read::read(&path), Err(KeyFileError::Length(_))), "{len}");
    }
}

#[tokio::test]
async fn a_moved_file_still_opens_and_another_is_named() {
    let ((folder, path), (_other, other)) = (key(), key());
    let secret = Secret::random(32);
    let wrapped = KeyFile::new(&path).wrap(&secret, b"here").await.unwrap();
    let moved = folder.path().join("moved");
    fs::rename(&path, &moved).unwrap();
    assert!(KeyFile::new(&moved).unwrap(&wrapped, b"here").await.unwrap().same_as(&secret));
    let refused = KeyFile::new(&other).unwrap(&wrapped, b"here").await.unwrap_err();
    assert_eq!(refused.fault, Fault::ForeignBlob);
    assert!(refused.to_string().contains(&other.display().to_string()), "{refused}");
    assert_eq!(KeyFile::new(&path).health().await.unwrap_err().fault, Fault::KeyState);
}
