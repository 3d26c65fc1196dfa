//! Names, paths and scopes: what people call things, and what rights are given by.

use keyward::{
    identity::Scope,
    method::{MAX_NAME_BYTES, MAX_SEGMENT_BYTES, Name, NamePath, rows},
    seal,
    storage::Path,
};

use crate::support::texts;

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(name) = text.parse::<Name>() {
        assert_eq!(name.as_str(), text);
        assert!(text.len() <= MAX_SEGMENT_BYTES && !text.contains('/'));
    }
    if let Ok(path) = text.parse::<NamePath>() {
        assert_eq!(path.as_str(), text);
        assert!(text.len() <= MAX_NAME_BYTES);
        assert!(text.split('/').all(|segment| !matches!(segment, "" | "." | "..")));
        assert!(Path::new(text).is_ok(), "a name has no place in the store");
        scoped(&path);
    }
    if let Ok(name) = text.parse::<seal::Name>() {
        assert_eq!(name.as_str(), text);
        assert!(text.parse::<Name>().is_ok());
    }
}

/// A scope of a folder covers what lies in it, and no scope narrows to more than it has.
fn scoped(path: &NamePath) {
    let of = |path: &NamePath| Scope::new(vec![path.clone()], vec![]).unwrap();
    let own = of(path);
    assert!(own.covers(&rows::secret::GET, path.as_str()));
    for folder in path.folders() {
        let above: NamePath = folder.parse().unwrap();
        assert!(path.is_within(&above) && !above.is_within(path));
        assert!(of(&above).covers(&rows::secret::GET, path.as_str()));
        assert!(!own.covers(&rows::secret::GET, folder), "a scope covers the folder above it");
        assert!(of(&above).narrow(own.clone()).is_ok() && own.narrow(of(&above)).is_err());
    }
    let longer = format!("{path}x");
    assert!(!own.covers(&rows::secret::GET, &longer), "a scope covers a name that only begins like its own");
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    texts(&["", "a", "prod/db/main", "eu-west-1", "a@b+c=d.e_f", "a//b", "..", "a/../b", "/a", "a/", "\u{e9}"])
}
