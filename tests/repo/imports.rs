//! Imports go one way, generated types stop at the edge, and foreign cryptography is called in one place.

use super::{files, is_test, paths, read, rust};

/// How high a part of `src/` stands; it may use what stands lower. Parts of the same height do not know each other.
fn height(part: &str) -> Option<usize> {
    Some(match part {
        "method" | "config" => 0,
        "storage" => 1,
        "keyring" => 2,
        "seal" | "identity" | "audit" | "lease" => 3,
        "policy" => 4,
        "engine" => 5,
        "pipeline" => 6,
        "grpc" => 7,
        "app" => 8,
        "cli" => 9,
        _ => return None,
    })
}

/// What the command line, a client, may use of the rest.
const FOR_THE_CLI: &[&[&str]] = &[&["config"], &["audit", "verify"], &["policy", "check"], &["storage", "backup"]];

fn part(file: &str) -> &str {
    file.trim_start_matches("src/").split('/').next().unwrap().trim_end_matches(".rs")
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for file in files("src", ".rs") {
        let mine = part(&file);
        if is_test(&file) || ["lib", "main"].contains(&mine) {
            continue;
        }
        let own = height(mine).unwrap_or_else(|| panic!("{file}: give `{mine}` a height"));
        for path in paths::of(&file, &read(&file)) {
            let [first, theirs, rest @ ..] = path.as_slice() else { continue };
            let Some(other) = height(theirs).filter(|_| first == "crate" && theirs != mine) else { continue };
            let allowed = if mine == "cli" {
                let full: Vec<_> = std::iter::once(theirs).chain(rest).map(String::as_str).collect();
                FOR_THE_CLI.iter().any(|allowed| full.starts_with(allowed))
            } else {
                other < own
            };
            if !allowed {
                wrong.push(format!("{file}: {}", path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "these import upwards or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn generated_types_stop_at_the_edge() {
    let wrong: Vec<_> = rust()
        .into_iter()
        .filter(|file| {
            let edge = ["src/grpc/", "src/cli/", "plugins/api/", "plugins/kube-kms/"];
            !is_test(file) && !edge.iter().any(|folder| file.starts_with(folder))
        })
        .filter(|file| paths::of(file, &read(file)).iter().any(|path| path[0] == "keyward_api"))
        .collect();
    assert!(wrong.is_empty(), "generated types are used in {wrong:?}");
}

#[test]
fn foreign_cryptography_is_called_in_one_place() {
    let mut wrong = Vec::new();
    for file in rust() {
        if is_test(&file) {
            continue;
        }
        for path in paths::of(&file, &read(&file)) {
            let at_home = match path[0].as_str() {
                "ring" => file.starts_with("plugins/sdk/src/crypto/"),
                "aws_lc_rs" => file.starts_with("plugins/sdk/src/crypto/lc/"),
                _ => true,
            };
            if !at_home {
                wrong.push(format!("{file}: {}", path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "call `keyward_sdk::crypto` instead:\n{}", wrong.join("\n"));
}
