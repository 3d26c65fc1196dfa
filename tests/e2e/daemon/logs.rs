//! Lines of the log, for programs.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Daemon, Keyward, Wanted};

/// Every text in quotes of what is shipped.
fn sources() -> String {
    fn read(folder: &std::path::Path, into: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                read(&entry.path(), into);
            } else if entry.path().extension().is_some_and(|ending| ending == "rs") {
                into.push_str(&std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    read(&root.join("src"), &mut all);
    read(&root.join("plugins"), &mut all);
    all
}

#[tokio::test]
async fn json_lines_have_a_constant_message_and_what_varies_in_fields() {
    let settings = "[log]\nformat = \"json\"\nlevel = \"warn,keyward=trace,keyward_kit=trace\"\n";
    let mut daemon = Daemon::start_as(&Wanted { settings, ..Wanted::default() }).await;
    let operator = daemon.operator();
    operator.run_with(&["secret", "put", "prod/marked-name", "value=@-"], marked!("value")).ok();
    operator.ok(&["tenant", "create", "marked-name"]);
    operator.ok(&["seal", "path", "list", "--probe"]);
    operator.run(&["secret", "get", "prod/nothing"]);
    daemon.nobody().run(&["secret", "get", "prod/marked-name"]);
    Keyward::alone().with("KEYWARD_ADDR", &daemon.url()).run(&["status"]);
    operator.ok(&["operator", "seal", "--yes"]);
    assert!(daemon.process_mut().stop().await.success());
    let log = daemon.process().log();
    let (mut messages, sources) = (BTreeSet::new(), sources());
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "target", "message"] {
            assert!(line[field].is_string(), "{line} has no {field}");
        }
        if line["target"].as_str().unwrap().starts_with("keyward") {
            messages.insert(line["message"].as_str().unwrap().to_owned());
        }
    }
    for expected in ["Starting", "Stopping"] {
        assert!(messages.contains(expected), "{messages:?}");
    }
    assert!(messages.len() >= 5, "{messages:?}");
    for message in messages {
        assert!(message.starts_with(|c: char| c.is_ascii_uppercase()), "{message}");
        assert!(sources.contains(&format!("\"{message}\"")), "`{message}` is not constant: it stands nowhere as it is");
    }
}
