//! A full OpenID provider: discovery, keys that change, groups that policies read. (People: `govern::people`.)

use keyward_sdk::time::{ManualClock, Span, SystemClock};
use keyward_testbed::OidcProvider;
use serde_json::{Value, json};

use crate::support::{Keyward, Ran, broker};

const POLICY: &str = r#"
permit (principal in Issuer::"staff", action == Action::"assume", resource == Role::"developer")
when { principal.claims has groups && principal.claims.groups.contains("developers") };
permit (principal in Role::"developer", action == Action::"secret.read", resource in Folder::"dev")
when { principal.claims has groups && principal.claims.groups.contains("developers") };
"#;

/// Runs a command as whoever the token says.
fn run(job: &Keyward, token: &str) -> Ran {
    let job_token = job.home().join("token").display().to_string();
    std::fs::write(&job_token, token).unwrap();
    job.run(&[
        "run",
        "--role",
        "developer",
        "--oidc-token-file",
        &job_token,
        "--env",
        "A=dev/app#key",
        "--",
        "printenv",
        "A",
    ])
}

fn claims(groups: Value) -> Value {
    json!({ "aud": "keyward", "groups": groups })
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_real_provider_change_and_groups_decide() {
    let clock = ManualClock::at(SystemClock::shared().now());
    let (broker, provider) = (broker().dev().clock(clock.clone()).start().await, OidcProvider::start().await);
    let operator = Keyward::operator(&broker);
    operator.ok(&[
        "issuer",
        "add",
        "staff",
        "--iss",
        provider.issuer(),
        "--audience",
        "keyward",
        "--claim",
        "groups=texts",
    ]);
    operator.ok(&["role", "put", "developer"]);
    operator.run_with(&["policy", "put", "developer", "-"], POLICY).ok();
    operator.ok(&["secret", "put", "dev/app", "key=value"]);
    let job = Keyward::of(&broker);

    let first = provider.mint(claims(json!(["developers"]))).await;
    assert_eq!(run(&job, &first).ok(), "value\n");
    let guest = run(&job, &provider.mint(claims(json!(["guests"]))).await);
    assert_eq!((guest.code(), guest.stdout.as_str()), (3, ""), "{guest:?}");
    assert_eq!(run(&job, &provider.mint(json!({ "aud": "else", "groups": ["developers"] })).await).code(), 3);

    // New keys beside the old: unknown until the keys may be fetched again, however often one asks.
    provider.rotate_keys_keeping_old().await;
    let second = provider.mint(claims(json!(["developers"]))).await;
    let fetched = provider.seen("/jwks").await;
    for _ in 0..3 {
        assert_eq!(run(&job, &second).code(), 3);
    }
    assert_eq!(provider.seen("/jwks").await, fetched, "an unknown key does not make the broker ask without end");
    clock.advance(Span::from_secs(11));
    run(&job, &second).ok();
    run(&job, &first).ok();
    assert_eq!(provider.seen("/jwks").await, fetched + 1);

    // New keys instead of the old: what was signed with those counts no more.
    provider.rotate_keys().await;
    clock.advance(Span::from_secs(11));
    let third = provider.mint(claims(json!(["developers"]))).await;
    run(&job, &third).ok();
    for old in [&first, &second] {
        let refused = run(&job, old);
        assert_eq!(refused.code(), 3, "{refused:?}");
    }
}
