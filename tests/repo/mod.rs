//! What must hold of the repository itself: who imports whom, how large files are, what is where and what is promised.

mod backends;
mod crates;
mod errors;
mod imports;
mod logs;
mod methods;
mod paths;
mod promises;
mod settings;
mod shown;
mod sizes;

use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file, by its path from the root.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder with that ending, by its path from the root.
fn files(folder: &str, ending: &str) -> Vec<String> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.') {
                walk(&path, ending, found);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    let top = root().join(folder);
    if top.exists() {
        walk(&top, ending, &mut found);
    }
    let mut found: Vec<_> =
        found.iter().map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()).collect();
    found.sort();
    found
}

/// Every Rust file of ours.
fn rust() -> Vec<String> {
    ["src", "plugins", "tests", "benches", "fuzz"].iter().flat_map(|folder| files(folder, ".rs")).collect()
}

/// Whether a file holds tests and what they need, and nothing that is shipped.
fn is_test(path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    let name = parts.last().unwrap();
    parts.iter().any(|part| ["tests", "benches", "fuzz", "conformance", "published"].contains(part))
        || ["tests.rs", "testing.rs"].contains(name)
        || name.ends_with("_tests.rs")
}
