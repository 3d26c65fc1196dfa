//! `keyward audit` as people use it.

use std::path::{Path, PathBuf};

use keyward::config::OlderStore;
use keyward_api::v1::{GetSecretRequest, WhoAmIRequest};
use keyward_testbed::wait_until;

use crate::support::{Broker, Keyward, Ran, broker};

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = all.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// A broker with some history, stopped; the folder of its log and its public key.
async fn history() -> (Broker, Keyward, PathBuf, String) {
    let mut broker = broker().config(|config| config.audit.rotate_bytes = 1 << 16).start().await;
    let keyward = Keyward::operator(&broker);
    let folder = broker.folder().join("audit");
    while files(&folder, "kwa").len() < 3 {
        let caller = broker.operator().await;
        for _ in 0..100 {
            caller.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
        }
    }
    let key = keyward.json(&["audit", "logs"])[0]["verifier"].as_str().unwrap().to_owned();
    broker.stop().await;
    (broker, Keyward::alone(), folder, key)
}

fn found(ran: &Ran) -> Vec<serde_json::Value> {
    assert_eq!(ran.code(), 7, "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["whole"], false);
    report["findings"].as_array().unwrap().clone()
}

#[tokio::test]
async fn verify_without_a_broker_says_what_was_changed_and_where() {
    let (broker, keyward, folder, key) = history().await;
    let at = |name: &str| broker.folder().join(name);
    let verify =
        |folder: &Path| keyward.run(&["-o", "json", "audit", "verify", folder.to_str().unwrap(), "--key", &key]);
    let whole = verify(&folder);
    let report: serde_json::Value = serde_json::from_str(&whole.ok()).unwrap();
    assert_eq!(report["logs"][0]["proven"], report["logs"][0]["records"], "{report}");

    let changed = at("changed");
    copy(&folder, &changed);
    let file = files(&changed, "kwa").remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[3_000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let findings = found(&verify(&changed));
    assert_eq!((findings.len(), &findings[0]["kind"]), (1, &"changed bytes".into()), "{findings:?}");
    assert!(file.ends_with(findings[0]["file"].as_str().unwrap()) && findings[0]["offset"].as_u64().unwrap() <= 3_000);

    let cut = at("cut");
    copy(&folder, &cut);
    let file = files(&cut, "kwa").pop().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 300]).unwrap();
    assert!(found(&verify(&cut)).iter().any(|finding| finding["kind"] == "cut tail"));

    let missing = at("missing");
    copy(&folder, &missing);
    std::fs::remove_file(files(&missing, "kwa").remove(1)).unwrap();
    assert!(found(&verify(&missing)).iter().any(|finding| finding["kind"] == "missing file"));

    let swapped = at("swapped");
    copy(&folder, &swapped);
    let both = files(&swapped, "kwa");
    let (first, second) = (std::fs::read(&both[0]).unwrap(), std::fs::read(&both[1]).unwrap());
    std::fs::write(&both[0], second).unwrap();
    std::fs::write(&both[1], first).unwrap();
    assert!(found(&verify(&swapped)).iter().any(|finding| finding["kind"] == "out of place"));

    let gone = at("gone");
    copy(&folder, &gone);
    files(&gone, "kwa").iter().for_each(|file| std::fs::remove_file(file).unwrap());
    assert!(found(&verify(&gone)).iter().any(|finding| finding["kind"] == "missing log"));
    let table = keyward.run(&["audit", "verify", changed.to_str().unwrap()]);
    assert!(
        table.code() == 7 && table.stdout.contains("FOUND     changed bytes: ") && table.stdout.contains("unproven")
    );
}

#[tokio::test]
async fn verify_without_a_folder_compares_files_register_and_checkpoints() {
    let mut broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    // The second makes sure of a checkpoint.
    keyward.ok(&["audit", "show", "0", "--proof"]);
    let report = keyward.json(&["audit", "verify"]);
    assert_eq!(report["whole"], true, "{report}");
    assert!(report["logs"][0]["checkpoints"].as_u64().unwrap() > 0);
    // An older copy of the folder is put back.
    broker.stop().await;
    let (folder, older) = (broker.folder().join("audit"), broker.folder().join("older"));
    copy(&folder, &older);
    broker.start_again().await;
    keyward.ok(&["status"]);
    broker.stop().await;
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::rename(&older, &folder).unwrap();
    broker.start_again().await;
    let findings = found(&keyward.run(&["-o", "json", "audit", "verify"]));
    assert_eq!(findings[0]["kind"], "rewritten", "what came after it took the place of what was cut: {findings:?}");
    let warnings = broker.pipeline().lifecycle().audit_warnings();
    assert!(warnings[0].contains("cut from the end"), "{warnings:?}");
}

#[tokio::test]
async fn a_log_that_is_gone_as_a_whole_keeps_the_broker_sealed_until_that_is_accepted() {
    let mut broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    broker.stop().await;
    for file in files(&broker.folder().join("audit"), "kwa") {
        std::fs::remove_file(file).unwrap();
    }
    broker.start_again().await;
    let status = keyward.json(&["operator", "status"]);
    assert_eq!(status["state"], "sealed", "what was done may be hidden: {status}");
    broker.stop().await;
    broker.reconfigure(|config| config.older = OlderStore::Accept);
    broker.start_again().await;
    let report = keyward.json(&["audit", "verify"]);
    assert!(report["remarks"][0].as_str().unwrap().contains("its files are gone"), "{report}");
}

#[tokio::test]
async fn the_commands_of_the_docs_work_as_they_stand_there() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    let folder = broker.folder().join("audit");
    let mut secrets = broker.operator().await.secrets();
    let get = GetSecretRequest { path: "not/there".to_owned(), version: 0 };
    secrets.get_secret(get).await.expect_err("there is no such secret, and that is recorded");
    wait_until("there is a checkpoint", async || keyward.run(&["audit", "checkpoint"]).status.success()).await;
    let key = keyward.json(&["audit", "logs"])[0]["verifier"].as_str().unwrap().to_owned();
    std::fs::write(keyward.home().join("broker.vkey"), &key).unwrap();
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md")).unwrap();
    let block = docs.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let lines: Vec<_> = block.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() >= 6, "{lines:?}");
    let path = Keyward::program().parent().unwrap().display().to_string();
    for line in lines {
        let line = line.replace("/var/lib/keyward/audit", folder.to_str().unwrap());
        // What follows goes on until it is interrupted.
        let line = if line.contains("--follow") {
            format!("timeout --preserve-status -s INT 2 {line} || test $? = 130")
        } else {
            line
        };
        let script = format!("PATH={path}:$PATH; {line}");
        let ran = keyward.shell(&script);
        assert!(ran.status.success(), "{line}: {ran:?}");
        assert!(!ran.stdout.is_empty() || line.contains('>'), "{line}: {ran:?}");
    }
}

#[test]
fn a_folder_that_is_none_is_refused_in_one_sentence() {
    let ran = Keyward::alone().run(&["audit", "verify", "/nowhere/at/all"]);
    assert_eq!(ran.code(), 1, "{ran:?}");
    assert!(ran.stderr.contains("/nowhere/at/all") && ran.stderr.lines().count() == 1, "{ran:?}");
}
