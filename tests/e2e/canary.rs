//! The canary itself: what it would find if a secret showed; and a journey of marked secrets through the real daemon and
//! command line, with every way in which they can be refused.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use keyward_testbed::CiTokens;
use serde_json::json;

use crate::support::{AUDIENCE, Daemon, Keyward, canary::Forms, github};

fn must_not_be_in(marks: &Forms, what: &str, bytes: &[u8]) {
    if let Some(found) = marks.found_in(bytes) {
        panic!("{} is in {what}", String::from_utf8_lossy(&bytes[found]));
    }
}

/// Every argument of every process that shows while it watches.
struct Arguments {
    seen: Arc<Mutex<BTreeSet<Vec<u8>>>>,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Arguments {
    fn watch() -> Self {
        let (seen, stop) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(AtomicBool::new(false)));
        let (into, until) = (seen.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::SeqCst) {
                for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                    // Most are gone or not ours.
                    if let Ok(line) = std::fs::read(entry.path().join("cmdline")) {
                        into.lock().unwrap().insert(line);
                    }
                }
            }
        });
        Self { seen, stop, thread }
    }

    fn seen(self) -> BTreeSet<Vec<u8>> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn mark(what: &str) -> String {
    format!("canary-{what}-{}", HEXLOWER.encode(&keyward_sdk::crypto::random::array::<9>()))
}

fn search_files(marks: &Forms, folder: &Path) -> usize {
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found += search_files(marks, &entry.path());
        } else if entry.file_type().unwrap().is_file() {
            must_not_be_in(marks, &entry.path().display().to_string(), &std::fs::read(entry.path()).unwrap());
            found += 1;
        }
    }
    found
}

#[test]
fn a_mark_is_found_in_every_form() {
    let marks = Forms::of(&["canary-of-the-mine"]);
    for shift in ["", "x", "xy", "xyz"] {
        let text = format!("{shift}canary-of-the-mine{shift}");
        for bytes in [
            text.clone(),
            HEXLOWER.encode(text.as_bytes()),
            BASE64.encode(text.as_bytes()),
            BASE64URL_NOPAD.encode(text.as_bytes()),
        ] {
            assert!(marks.found_in(format!("log: {bytes}.").as_bytes()).is_some(), "{bytes}");
        }
    }
    assert!(marks.found_in(b"canary-of-another-mine").is_none());
}

#[test]
fn tokens_are_found_and_the_ids_of_keys_are_not() {
    let marks = Forms::of(&[]).with_tokens();
    let token = format!("authorization: Bearer kw1.{} and more", "aB3_".repeat(20));
    assert_eq!(marks.found_in(token.as_bytes()), Some(22..106));
    assert!(marks.found_in(b"kw1.0123456789abcdef.0123456789abcdef.1.0123456789abcdef").is_none());
    assert!(marks.found_in(b"keys of the kingdom, eye of the needle").is_none());
}

#[tokio::test]
async fn no_secret_shows_in_logs_metrics_audit_errors_arguments_or_the_store() {
    let mut daemon = Daemon::start().await;
    let ci = CiTokens::start().await;
    let arguments = Arguments::watch();
    let [value, file, field, denied, large] = ["value", "file", "field", "denied", "large"].map(mark);
    let mut said = Vec::new();
    let operator = daemon.operator();
    let mut tell = |ran: crate::support::Ran| {
        said.extend_from_slice(ran.stderr.as_bytes());
        ran
    };

    // Written and read in every way that there is.
    tell(operator.run_with(&["secret", "put", "prod/db", "value=@-"], &value)).ok();
    std::fs::write(operator.home().join("in"), &file).unwrap();
    let from_file = format!("value=@{}", operator.home().join("in").display());
    tell(operator.run(&["secret", "put", "prod/file", &from_file])).ok();
    tell(operator.run_with(&["secret", "put", "prod/payroll", "value=@-"], &denied)).ok();
    tell(operator.run_with(&["secret", "put", "prod/db", "value=@-", "--expect", "7"], &field));
    tell(operator.run_with(&["secret", "put", "prod/../db", "value=@-"], &field));
    let blob = operator.home().join("large");
    std::fs::write(&blob, large.repeat((1 << 20) / large.len() - 1)).unwrap();
    tell(operator.run(&["secret", "put", "prod/large", &format!("value=@{}", blob.display())])).ok();
    std::fs::write(&blob, large.repeat((2 << 20) / large.len())).unwrap();
    tell(operator.run(&["secret", "put", "prod/large", &format!("value=@{}", blob.display())]));
    assert!(tell(operator.run(&["secret", "get", "prod/db", "--field", "value"])).stdout.contains(&value));
    tell(operator.run(&["secret", "get", "prod/db", "--field", "none"]));
    tell(operator.run(&["-o", "json", "secret", "get", "prod/nothing"]));

    // A pipeline, with what it may and what it may not.
    std::fs::write(operator.home().join("jwks"), ci.jwks().to_string()).unwrap();
    let jwks = operator.home().join("jwks").display().to_string();
    let add = [
        "issuer",
        "add",
        "github",
        "--preset",
        "github",
        "--iss",
        ci.issuer(),
        "--audience",
        AUDIENCE,
        "--jwks-file",
        &jwks,
    ];
    tell(operator.run(&add)).ok();
    tell(operator.run(&["role", "put", "deploy"])).ok();
    let policy = r#"permit (principal in Issuer::"github", action == Action::"assume", resource == Role::"deploy");
                    permit (principal in Role::"deploy", action == Action::"secret.read", resource == Secret::"prod/db");"#;
    tell(operator.run_with(&["policy", "put", "deploy", "-"], policy)).ok();
    let oidc = github(&ci, json!({}));
    let job = daemon.nobody().with("KEYWARD_ID_TOKEN", &oidc);
    let run =
        |wanted: &str, command: &str| job.run(&["run", "--role", "deploy", "--env", wanted, "--", "sh", "-c", command]);
    assert_eq!(tell(run("DB=prod/db#value", "test -n \"$DB\"; printf %s \"${#DB}\"")).stdout, value.len().to_string());
    assert_eq!(tell(run("DB=prod/payroll#value", "true")).code(), 3);
    assert_eq!(tell(run("DB=prod/db#nothing", "true")).code(), 4);

    // Tokens: those that serve, and those that do not.
    let garbled = daemon.nobody().with("KEYWARD_TOKEN", &mark("token"));
    tell(garbled.run(&["token", "whoami"]));
    let narrowed = tell(operator.run(&["-o", "json", "token", "attenuate", "--path", "prod/db"])).ok();
    let narrowed: serde_json::Value = serde_json::from_str(&narrowed).unwrap();
    let narrowed = narrowed["token"].as_str().unwrap().to_owned();
    tell(daemon.nobody().with("KEYWARD_TOKEN", &narrowed).run(&["token", "whoami"]));
    let share = mark("share");
    tell(operator.run_with(&["operator", "unseal"], &share));
    let joined = mark("bootstrap");
    tell(
        Keyward::alone()
            .with("KEYWARD_ADDR", &daemon.url())
            .with("KEYWARD_CA_CERT", &daemon.ca_file().display().to_string())
            .run_with(&["operator", "login"], &joined),
    );

    // Through a crash, too.
    let metrics = metrics(&daemon).await;
    daemon.kill_and_restart().await;
    let operator = daemon.operator();
    assert!(operator.ok(&["secret", "get", "prod/db", "--field", "value"]).contains(&value));

    let garbled_token = garbled_of(&garbled);
    let words =
        [vec![value, file, field, denied, large, narrowed, oidc, share, joined, garbled_token], daemon.shown.clone()]
            .concat();
    let marks = Forms::of(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(daemon.process().log().contains("TRACE"), "the log is at trace level");
    must_not_be_in(&marks, "the metrics", metrics.as_bytes());
    must_not_be_in(&marks, "what the command line said", &said);
    // The log, the store, the audit log, all that lies beside them.
    assert!(search_files(&marks, daemon.folder()) > 4);
    let arguments = arguments.seen();
    assert!(arguments.iter().any(|line| line.windows(7).any(|part| part == b"payroll")), "arguments were seen");
    for line in arguments {
        must_not_be_in(&marks, &format!("the arguments {}", String::from_utf8_lossy(&line)), &line);
    }
}

fn garbled_of(keyward: &Keyward) -> String {
    let command = keyward.command(["version"]);
    let token = command.get_envs().find(|(name, _)| *name == "KEYWARD_TOKEN").and_then(|(_, value)| value).unwrap();
    token.to_string_lossy().into_owned()
}

async fn metrics(daemon: &Daemon) -> String {
    let url = format!("http://{}/metrics", daemon.ops_addr());
    let reply = keyward_testbed::http::get(&url).send().await.unwrap();
    assert_eq!(reply.status, 200);
    reply.text()
}
