//! Every RPC has a row in the method table, a comment and a test.

use std::collections::{BTreeMap, BTreeSet};

use keyward::method::{Access, METHODS};
use prost::Message;

use super::{files, read};

/// Every RPC of the API as `keyward.v1.Service/Method`.
fn described() -> BTreeSet<String> {
    let set = prost_types::FileDescriptorSet::decode(keyward_api::DESCRIPTORS).unwrap();
    let files = set.file.iter().filter(|file| file.package() == "keyward.v1");
    let services = files.flat_map(|file| &file.service);
    let name =
        |service: &prost_types::ServiceDescriptorProto, method: &str| format!("keyward.v1.{}/{method}", service.name());
    services.flat_map(|service| service.method.iter().map(move |method| name(service, method.name()))).collect()
}

#[test]
fn every_rpc_has_one_row() {
    let mut rows = BTreeMap::new();
    for row in METHODS {
        assert!(rows.insert(row.rpc.to_owned(), row).is_none(), "{} has two rows", row.rpc);
    }
    let rows: BTreeSet<_> = rows.into_keys().collect();
    assert_eq!(rows, described());
}

#[test]
fn every_rpc_has_a_comment() {
    let mut without = Vec::new();
    for file in files("proto/keyward", ".proto") {
        let text = read(&file);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("rpc ")) {
            if at == 0 || !lines[at - 1].starts_with("//") {
                without.push(format!("{file}: {line}"));
            }
        }
    }
    assert!(without.is_empty(), "{}", without.join("\n"));
}

/// What is reached without a caller is listed, so that a new one is seen by whoever reads the change.
#[test]
fn what_needs_no_caller_is_listed() {
    let of = |access: Access| -> Vec<_> {
        let mut names: Vec<_> = METHODS.iter().filter(|row| row.access == access).map(|row| row.rpc).collect();
        names.sort_unstable();
        names.into_iter().map(|rpc| rpc.trim_start_matches("keyward.v1.")).collect()
    };
    assert_eq!(of(Access::Public), PUBLIC);
    assert_eq!(of(Access::Bootstrap), BOOTSTRAP);
    assert_eq!(of(Access::Sealed), SEALED);
}

const PUBLIC: &[&str] = &[];
const BOOTSTRAP: &[&str] =
    &["AuthService/Login", "AuthService/RedeemBootstrapToken", "NodeService/Join", "NodeService/RenewCertificate"];
const SEALED: &[&str] =
    &["SealService/GetSealStatus", "SealService/Initialize", "SealService/Recover", "SealService/Unseal"];

/// An RPC is called where one file of the tests of the whole makes its request and calls it by its name on a client, over
/// a connection. What is called by the command line only, by helpers, or below the API does not count.
#[test]
fn every_rpc_is_called_by_a_test() {
    let rpcs = described();
    let mut called = BTreeSet::new();
    for file in ["tests/e2e", "tests/clusters"].iter().flat_map(|folder| files(folder, ".rs")) {
        let text: Vec<_> =
            read(&file).lines().filter(|line| !line.trim().starts_with("//")).map(str::to_owned).collect();
        let text = text.join("\n");
        let calls = |rpc: &&String| {
            let name = rpc.split('/').nth(1).unwrap();
            text.contains(&format!(".{}(", snake(name))) && makes(&text, &format!("{name}Request"))
        };
        called.extend(rpcs.iter().filter(calls).cloned());
    }
    let without: Vec<_> = rpcs.difference(&called).map(String::as_str).collect();
    assert!(without.is_empty(), "no test calls these over the API:\n{}", without.join("\n"));
}

/// Whether a value of the type is made: `Type {` or `Type::`, and not as the end of another name.
fn makes(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let longer = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = &text[at + name.len()..];
        !longer && (rest.starts_with(" {") || rest.starts_with("::"))
    })
}

#[test]
fn a_call_counts_for_the_rpc_that_is_called_and_no_other() {
    assert!(makes("mac(MacRequest { key })", "MacRequest") && makes("MacRequest::default()", "MacRequest"));
    assert!(!makes("VerifyMacRequest { key }", "MacRequest"), "the end of another name");
    assert!(!makes("use v1::MacRequest;", "MacRequest"), "an import");
    assert_eq!(snake("GenerateDataKeyWithoutPlaintext"), "generate_data_key_without_plaintext");
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}
