//! A folder that nobody else can put anything into.

use std::{
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::Path,
};

/// Makes a folder with mode 0700 where there is none, and checks that only this user (and root) can change what lies in it:
/// whoever made it or a folder above it before us could have put there what we would read, or follow a link to.
///
/// # Errors
/// When it cannot be made, or somebody else could change it; what to do is said.
pub(super) fn make_private(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    check_private(dir)
}

/// The check alone.
///
/// # Errors
/// As [`make_private`].
pub(super) fn check_private(dir: &Path) -> io::Result<()> {
    let us = rustix::process::getuid().as_raw();
    let refuse = |at: &Path, why: &str| {
        let what = format!("`{}` {why}; choose another place with `--dir`", at.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
    };
    if std::fs::symlink_metadata(dir)?.is_symlink() {
        return refuse(dir, "is a symbolic link");
    }
    let dir = dir.canonicalize()?;
    let own = std::fs::metadata(&dir)?;
    if own.uid() != us {
        return refuse(&dir, "belongs to another user");
    }
    if own.mode() & 0o022 != 0 {
        return refuse(&dir, "can be written by others");
    }
    // Whoever runs the system owns `/`: root, or what a container shows as its root.
    let root = std::fs::metadata("/")?.uid();
    for above in dir.ancestors().skip(1) {
        let found = std::fs::metadata(above)?;
        // In one with the sticky bit, such as /tmp, nobody moves what is not his.
        let safe = found.mode() & 0o022 == 0 || found.mode() & 0o1000 != 0;
        if !safe || ![us, root].contains(&found.uid()) {
            return refuse(above, "above it can be changed by another user");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn only_a_folder_that_is_ours_alone_will_do() {
        let home = tempfile::tempdir().unwrap();
        let place = |name: &str| home.path().join(name);
        let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        make_private(&place("fresh/dev")).unwrap();
        assert_eq!(std::fs::metadata(place("fresh/dev")).unwrap().mode() & 0o777, 0o700);
        make_private(&place("fresh/dev")).unwrap();
        symlink(place("fresh/dev"), place("link")).unwrap();
        std::fs::create_dir_all(place("open/dev")).unwrap();
        mode(&place("open"), 0o777);
        std::fs::create_dir_all(place("wide")).unwrap();
        mode(&place("wide"), 0o770);
        for wrong in ["link", "open/dev", "wide"] {
            let refused = make_private(&place(wrong)).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied, "{wrong}: {refused}");
        }
        mode(&place("open"), 0o1777);
        make_private(&place("open/dev")).unwrap();
        if rustix::process::getuid().is_root() {
            std::fs::create_dir_all(place("theirs/dev")).unwrap();
            std::os::unix::fs::chown(place("theirs"), Some(65_534), None).unwrap();
            assert!(make_private(&place("theirs/dev")).is_err());
            std::os::unix::fs::chown(place("theirs/dev"), Some(65_534), None).unwrap();
            std::os::unix::fs::chown(place("theirs"), Some(0), None).unwrap();
            assert!(make_private(&place("theirs/dev")).is_err());
        }
    }
}
