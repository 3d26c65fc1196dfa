//! `keyward token`, `keyward operator login` and `keyward logout`.

use super::Transcript;
use crate::support::{Keyward, broker};

#[tokio::test]
async fn tokens_are_shown_narrowed_and_taken_back() {
    let broker = broker().start().await;
    let mut told = Transcript::of("token", Keyward::operator(&broker));
    told.line("token whoami");
    let narrowed = told.line("-o json token attenuate --path prod --action secret.read --life 5m").ok();
    let narrowed: serde_json::Value = serde_json::from_str(&narrowed).unwrap();
    told.line("token attenuate --action secret.read");
    told.line("token attenuate --action secret.raed");
    told.line("token attenuate --path ../x");
    told.line("token attenuate --life 2d");
    let file = told.keyward().home().join("narrowed").display().to_string();
    std::fs::write(&file, narrowed["token"].as_str().unwrap()).unwrap();
    told.run(&["token", "whoami", "--token-file", &file]);
    told.run(&["secret", "put", "prod/db", "user=app", "--token-file", &file]);
    told.run(&["token", "attenuate", "--path", "test", "--token-file", &file]);
    let id = narrowed["id"].as_str().unwrap().to_owned();
    told.run(&["token", "revoke", "--id", &id]);
    told.run(&["token", "whoami", "--token-file", &file]);
    told.run(&["-o", "json", "token", "whoami", "--token-file", &file]);
    told.line("token revoke --id nonsense");
    told.line("token revoke --principal nobody");
    told.line("token revoke --principal ci/job-7");
    told.line("token revoke --role deploy");
    told.line("token revoke --issuer ci");
    told.line("token revoke --role deploy --issuer ci");
    told.line("token revoke");
    told.line("token whoami");
    told.matches();
}

#[tokio::test]
async fn a_login_lasts_until_it_is_given_up() {
    let broker = broker().start().await;
    let made = Keyward::operator(&broker).json(&["tenant", "create", "shop"]);
    let token = made["operator_token"].as_str().unwrap();
    let mut told = Transcript::of("login", Keyward::of(&broker));
    told.hide(token, "token");
    told.line("token whoami");
    told.run_with(&["operator", "login"], "kwb1.nonsense\n");
    told.run_with(&["operator", "login"], &format!("{token}\n"));
    told.run_with(&["--tenant", "shop", "operator", "login"], &format!("{token}\n"));
    told.run_with(&["--tenant", "shop", "operator", "login"], &format!("{token}\n"));
    told.line("--tenant shop token whoami");
    told.line("token whoami");
    told.line("logout");
    told.line("--tenant shop logout");
    told.line("--tenant shop token whoami");
    told.line("--tenant shop logout");
    told.matches();
}

#[tokio::test]
async fn each_tenant_has_a_session_of_its_own_and_none_is_used_for_another() {
    let broker = broker().start().await;
    let operator = Keyward::operator(&broker);
    let keyward = Keyward::of(&broker);
    for tenant in ["shop", "press"] {
        let made = operator.json(&["tenant", "create", tenant]);
        let token = format!("{}\n", made["operator_token"].as_str().unwrap());
        keyward.run_with(&["--tenant", tenant, "operator", "login"], &token).ok();
    }
    let tenant = |tenant: &str| keyward.json(&["--tenant", tenant, "token", "whoami"])["tenant"].clone();
    assert_eq!((tenant("shop"), tenant("press")), ("shop".into(), "press".into()));
    // Nobody logged in to `main`, so nothing is done there or elsewhere in its place.
    let without = keyward.run(&["secret", "put", "a/b", "c=d"]);
    assert!(without.code() == 3 && without.stderr.contains("keyward login"), "{without:?}");
    keyward.ok(&["--tenant", "shop", "logout"]);
    assert_eq!(tenant("press"), "press");
    assert_eq!(keyward.run(&["--tenant", "shop", "token", "whoami"]).code(), 3);
}

#[tokio::test]
async fn a_session_that_others_could_have_put_there_is_not_used() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let broker = broker().start().await;
    let made = Keyward::operator(&broker).json(&["tenant", "create", "shop"]);
    let token = format!("{}\n", made["operator_token"].as_str().unwrap());
    let keyward = Keyward::of(&broker).with("KEYWARD_TENANT", "shop");
    keyward.run_with(&["operator", "login"], &token).ok();
    keyward.ok(&["token", "whoami"]);
    let mut kept = std::fs::read_dir(keyward.home().join("run/keyward")).unwrap();
    let session = kept.next().unwrap().unwrap().path();
    let refused = || {
        let ran = keyward.run(&["token", "whoami"]);
        assert!(ran.code() == 3 && ran.stderr.contains(".session"), "{ran:?}");
        assert!(ran.stderr.contains("XDG_RUNTIME_DIR"), "what to do is said: {ran:?}");
        // What needs no session goes on.
        keyward.ok(&["status"]);
    };
    std::fs::copy(&session, keyward.home().join("kept")).unwrap();
    std::fs::write(&session, "junk").unwrap();
    refused();
    assert!(keyward.ok(&["logout"]).contains("logged out"), "what cannot be read can be got rid of");
    assert!(!session.exists());
    std::fs::copy(keyward.home().join("kept"), &session).unwrap();
    let mode = |mode| std::fs::set_permissions(&session, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o640);
    refused();
    mode(0o600);
    keyward.ok(&["token", "whoami"]);
    let elsewhere = keyward.home().join("elsewhere");
    std::fs::rename(&session, &elsewhere).unwrap();
    symlink(&elsewhere, &session).unwrap();
    refused();
    std::fs::remove_file(&session).unwrap();
    // A pipe, on which a reader would wait for ever.
    assert!(std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&session).status().unwrap().success());
    refused();
    std::fs::remove_file(&session).unwrap();
    std::fs::rename(&elsewhere, &session).unwrap();
    if rustix::process::getuid().is_root() {
        std::os::unix::fs::chown(&session, Some(65_534), None).unwrap();
        refused();
    }
}
