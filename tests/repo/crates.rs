//! Crates: lints that all inherit, and who depends on whom.

use std::process::Command;

use super::{files, read, root};

fn manifests() -> Vec<(String, toml::Table)> {
    let plugins = files("plugins", "Cargo.toml");
    let others = ["Cargo.toml", "fuzz/Cargo.toml", "tests/testbed/Cargo.toml", "benches/load/Cargo.toml"];
    let all = plugins.into_iter().chain(others.map(str::to_owned));
    all.map(|file| (file.clone(), read(&file).parse().unwrap_or_else(|error| panic!("{file}: {error}")))).collect()
}

#[test]
fn every_crate_inherits_the_lints() {
    for (file, manifest) in manifests() {
        let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        assert_eq!(inherits, Some(true), "{file}");
    }
}

#[test]
fn no_plugin_depends_on_the_broker() {
    for (file, manifest) in manifests() {
        if !file.starts_with("plugins/") {
            continue;
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let known = manifest.get(kind).and_then(|table| table.get("keyward"));
            assert!(known.is_none(), "{file}: {kind}");
        }
    }
}

#[test]
fn the_provider_is_free_of_cloud_sdks_and_cedar() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "tree",
        "--locked",
        "--offline",
        "--package",
        "keyward-kube-kms",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ]);
    let output = cargo.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("keyward-kube-kms"), "{tree}");
    for banned in ["aws-sdk", "aws-config", "google-cloud", "azure_", "cedar-policy", "redb", "keyward v"] {
        let found: Vec<_> = tree.lines().filter(|line| line.starts_with(banned)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn every_dependency_is_explained() {
    let explained = read("docs/dependencies.md");
    let (_, root) = manifests().into_iter().find(|(file, _)| file == "Cargo.toml").unwrap();
    let listed = root["workspace"]["dependencies"].as_table().unwrap();
    let without: Vec<_> = listed
        .keys()
        .filter(|name| !name.starts_with("keyward-") && !explained.contains(&format!("`{name}`")))
        .collect();
    assert!(without.is_empty(), "docs/dependencies.md does not say what these are for: {without:?}");
}
