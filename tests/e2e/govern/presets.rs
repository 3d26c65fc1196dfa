use data_encoding::BASE64URL_NOPAD;
use keyward_testbed::CiTokens;
use serde_json::{Value, json};

use crate::support::{Keyward, broker};

/// Each preset takes a token as the CI system makes it, with every claim of the type that it declares.
#[tokio::test(flavor = "multi_thread")]
async fn presets_fit_the_tokens_of_each_ci_system() {
    let (broker, tokens) = (broker().start().await, CiTokens::start().await);
    let keyward = Keyward::operator(&broker);
    let jwks = keyward.home().join("jwks.json").display().to_string();
    std::fs::write(&jwks, tokens.jwks().to_string()).unwrap();
    keyward.ok(&["role", "put", "ci"]);
    let aud = json!({ "aud": "keyward" });
    let systems = [
        ("github", tokens.github(aud.clone()), "repository_id"),
        ("gitlab", tokens.gitlab(aud.clone()), "project_id"),
        ("azure-pipelines", tokens.azure(json!({})), "def_id"),
        ("jenkins", tokens.jenkins(aud), "build_number"),
    ];
    for (preset, token, claim) in systems {
        let iss = iss(&token);
        let mut add = vec!["issuer", "add", preset, "--preset", preset, "--iss", &iss, "--jwks-file", &jwks];
        if preset != "azure-pipelines" {
            add.extend(["--audience", "keyward"]);
        }
        let shown = keyward.json(&add);
        assert_eq!(shown["replay"], json!(if preset == "azure-pipelines" { "once" } else { "allow" }), "{shown}");
        let policy = format!(
            r#"permit (principal in Issuer::"{preset}", action == Action::"assume", resource == Role::"ci")
               when {{ principal.claims has {claim} }};"#
        );
        assert!(keyward.run_with(&["policy", "put", preset, "-"], &policy).status.success());
        let job = Keyward::of(&broker);
        let log_in = || job.run_with(&["login", "--role", "ci", "--oidc-token-file", "-"], &token);
        log_in().ok();
        let me = job.json(&["token", "whoami"]);
        assert!(me["claims"].as_object().unwrap().contains_key(claim), "{preset}: {me}");
        let again = log_in();
        assert_eq!(again.status.success(), preset != "azure-pipelines", "{preset}: {again:?}");
        job.ok(&["logout"]);
        keyward.ok(&["policy", "delete", preset]);
        keyward.ok(&["issuer", "delete", preset]);
    }
}

fn iss(token: &str) -> String {
    let payload = BASE64URL_NOPAD.decode(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    payload["iss"].as_str().unwrap().to_owned()
}
