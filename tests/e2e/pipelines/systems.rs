use keyward_testbed::ci::Fault;
use serde_json::json;

use super::{PASSWORD, stage, with_password};
use crate::support::Keyward;

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_each_ci_system_get_their_secret_with_the_identity_they_have() {
    let stage = stage().await;
    let jobs = [
        ("github", stage.github()),
        ("gitlab", stage.gitlab()),
        ("azure", stage.job(stage.tokens.azure_env(true))),
        ("jenkins", stage.job(stage.tokens.jenkins_env(json!({})))),
    ];
    for (system, job) in jobs {
        let ran = with_password(&job, "printf %s \"$DB_PASSWORD\"");
        assert_eq!(ran.stderr, "", "{system}");
        assert_eq!(ran.ok(), PASSWORD, "{system}");
    }
    assert_eq!(stage.tokens.seen("/github/idtoken"), 1, "one token a run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_file_will_do_as_kubernetes_and_jenkins_have_it() {
    let stage = stage().await;
    let job = Keyward::of(&stage.broker);
    let file = job.home().join("token").display().to_string();
    let token = stage.tokens.jenkins(json!({}));
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let run = ["run", "--role", "deploy", "--env", "P=prod/db/main#password"];
    let named = [&run[..], &["--oidc-token-file", &file, "--", "printenv", "P"]].concat();
    assert_eq!(job.ok(&named).trim(), PASSWORD);
    let job = job.with("KEYWARD_ID_TOKEN_FILE", &file);
    assert_eq!(job.ok(&[&run[..], &["--", "printenv", "P"]].concat()).trim(), PASSWORD);
    let job = job.with("OTHER", &token);
    let other = [&run[..], &["--oidc-token-env", "OTHER", "--", "sh", "-c", "echo ${OTHER-gone}"]].concat();
    assert_eq!(job.ok(&other).trim(), "gone", "what logs in to Keyward is not the command's");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audience_is_the_brokers_address_unless_another_is_named() {
    let stage = stage().await;
    let job = stage.github();
    let plain = job.with("KEYWARD_AUDIENCE", "");
    let ran = with_password(&plain, "true");
    assert_eq!(ran.code(), 0, "{ran:?}");
    let ran = with_password(&plain.with("KEYWARD_AUDIENCE", "someone-else"), "true");
    assert_eq!(ran.code(), 3, "{ran:?}");
    assert!(ran.stderr.contains("someone-else") && ran.stderr.contains("--audience"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_misbehaves_stops_the_run_and_is_not_followed() {
    let stage = stage().await;
    let job = stage.github();
    let elsewhere = format!("{}/elsewhere", stage.tokens.issuer());
    for (fault, said, tries) in [
        (Fault::Status(503), "503", 3),
        (Fault::Status(403), "not accepted", 1),
        (Fault::Redirect(elsewhere), "302", 1),
        (Fault::Endless, "larger than 64 KiB", 3),
        (Fault::Body("{\"value\":7}".into()), "no token", 1),
    ] {
        let before = stage.tokens.seen("/github/idtoken");
        stage.tokens.fault("/idtoken", fault.clone());
        let ran = with_password(&job, "echo started");
        assert_eq!((ran.code(), ran.stdout.as_str()), (1, ""), "{fault:?}: {ran:?}");
        assert!(ran.stderr.contains(said), "{fault:?}: {ran:?}");
        assert_eq!(stage.tokens.seen("/github/idtoken") - before, tries, "{fault:?}");
        stage.tokens.heal();
    }
    assert_eq!(stage.tokens.seen("/elsewhere"), 0);
    let clear = job.with("ACTIONS_ID_TOKEN_REQUEST_URL", "http://ci.example/token");
    assert_eq!(with_password(&clear, "true").code(), 2, "the request token goes over https only");
}
