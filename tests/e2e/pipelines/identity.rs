use super::{PASSWORD, stage};
use crate::support::Keyward;

#[tokio::test(flavor = "multi_thread")]
async fn the_command_gets_no_token_unless_that_is_asked() {
    let stage = stage().await;
    let gitlab = stage.gitlab().with("KEYWARD_TOKEN", "kw1.some-token");
    let env = gitlab.ok(&["run", "--role", "deploy", "--", "env"]);
    for gone in ["KEYWARD_TOKEN", "KEYWARD_ID_TOKEN", "KEYWARD_CLIENT_KEY", "kw1."] {
        assert!(!env.contains(gone), "{gone}: {env}");
    }
    assert!(env.contains("GITLAB_CI=true") && env.contains("KEYWARD_ADDR="), "{env}");
    let github = stage.github();
    let env = github.ok(&["run", "--role", "deploy", "--", "env"]);
    assert!(env.contains("ACTIONS_ID_TOKEN_REQUEST_TOKEN="), "the CI's own stays: {env}");
    let env = github.ok(&["run", "--role", "deploy", "--hide-ci-identity", "--", "env"]);
    assert!(!env.contains("ACTIONS_ID_TOKEN_REQUEST"), "{env}");
    let program = Keyward::program().display().to_string();
    let whoami = [
        "run",
        "--role",
        "deploy",
        "--pass-token",
        "--path",
        "prod/db",
        "--",
        &program,
        "-o",
        "json",
        "token",
        "whoami",
    ];
    let me: serde_json::Value = serde_json::from_str(&github.ok(&whoami)).unwrap();
    assert_eq!((me["issuer"].as_str(), me["role"].as_str()), (Some("github"), Some("deploy")));
    assert_eq!(me["paths"], serde_json::json!(["prod/db"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_role_the_token_at_hand_is_narrowed() {
    let stage = stage().await;
    let operator = Keyward::operator(&stage.broker);
    let run = |path: &str| {
        operator.run(&["run", "--path", "prod/db", "--env", &format!("P={path}#password"), "--", "printenv", "P"])
    };
    assert_eq!(run("prod/db/main").ok().trim(), PASSWORD);
    let outside = run("prod/web");
    assert_eq!((outside.code(), outside.stdout.as_str()), (3, ""), "{outside:?}");
    assert!(outside.stderr.contains("narrowed to prod/db"), "{outside:?}");
    operator.ok(&["token", "whoami"]);
    let nobody = Keyward::of(&stage.broker);
    assert_eq!(nobody.run(&["run", "--", "true"]).code(), 2);
    let lost = nobody.run(&["run", "--role", "deploy", "--", "true"]);
    assert_eq!(lost.code(), 2);
    assert!(lost.stderr.contains("--oidc-token-file"), "{lost:?}");
}
