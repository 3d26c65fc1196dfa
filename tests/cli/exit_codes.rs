//! The exit codes that `keyward --help` lists.

use crate::support::{Keyward, broker};

#[tokio::test]
async fn every_exit_code_that_is_listed_is_met() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    let help = keyward.ok(&["--help"]);
    let listed = help.split_once("Exit codes:").expect("they are listed").1;
    for code in 0..=7 {
        assert!(listed.contains(&format!("{code} ")), "{code} is not in {listed}");
    }
    let code = |args: &[&str]| keyward.run(args).code();
    assert_eq!(code(&["token", "whoami"]), 0);
    assert_eq!(code(&["secret", "put", "a", "x=@missing"]), 1, "failed");
    assert_eq!(code(&["secret", "put", "../a", "x=1"]), 2, "what the broker finds malformed");
    assert_eq!(code(&["secret", "nonsense"]), 2, "what is no command");
    assert_eq!(code(&["nonsense"]), 2);
    assert_eq!(code(&["secret", "get"]), 2, "what is missing");
    assert_eq!(code(&["secret", "get", "a", "--nonsense"]), 2);
    assert_eq!(Keyward::of(&broker).run(&["secret", "get", "a"]).code(), 3, "not logged in");
    let narrowed = keyward.json(&["token", "attenuate", "--action", "secret.read"]);
    std::fs::write(keyward.home().join("narrowed"), narrowed["token"].as_str().unwrap()).unwrap();
    assert_eq!(code(&["secret", "put", "a", "x=1", "--token-file", "narrowed"]), 3, "not permitted");
    assert_eq!(code(&["secret", "get", "a"]), 4, "not found");
    assert_eq!(code(&["secret", "put", "a", "x=1"]), 0);
    assert_eq!(code(&["secret", "put", "a", "x=1", "--expect", "0"]), 6, "changed by others");
    let away = format!("https://127.0.0.1:{}", keyward_testbed::free_ports::<1>()[0]);
    assert_eq!(code(&["secret", "get", "a", "--addr", &away]), 5, "unavailable");
    assert_eq!(code(&["operator", "seal", "--yes"]), 0);
    assert_eq!(code(&["secret", "get", "a"]), 5, "sealed");
}

#[tokio::test]
async fn errors_are_one_json_document_where_json_is_asked_for() {
    let broker = broker().start().await;
    let ran = Keyward::of(&broker).run(&["-o", "json", "secret", "get", "a"]);
    assert_eq!((ran.code(), ran.stdout.as_str()), (3, ""));
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).expect("it is JSON");
    assert_eq!(error["reason"], "NO_TOKEN");
    assert!(error["error"].is_string() && error["next"].as_str().unwrap().contains("keyward login"), "{error}");
}
