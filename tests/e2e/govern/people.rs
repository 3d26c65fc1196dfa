use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use keyward_testbed::{OidcProvider, Process, wait_until};
use serde_json::json;

use crate::support::{Broker, Keyward, broker};

const TAKE: &str = r#"permit (principal in Issuer::"staff", action == Action::"assume", resource == Role::"developer")
when { principal.claims has groups && principal.claims.groups.contains("developers") };"#;

async fn prepared() -> (Broker, OidcProvider, Keyward) {
    let (broker, provider) = (broker().dev().start().await, OidcProvider::start().await);
    provider.account("bob", json!({ "groups": ["guests"] })).await;
    let operator = Keyward::operator(&broker);
    operator.ok(&[
        "issuer",
        "add",
        "staff",
        "--iss",
        provider.issuer(),
        "--audience",
        "keyward-cli",
        "--claim",
        "groups=texts",
    ]);
    operator.ok(&["role", "put", "developer"]);
    assert!(operator.run_with(&["policy", "put", "people", "-"], TAKE).status.success());
    let person = Keyward::alone();
    let ca = broker.ca_file().display().to_string();
    let url = broker.url();
    person.ok(&[
        "context",
        "set",
        "here",
        "--addr",
        &url,
        "--ca-cert",
        &ca,
        "--issuer",
        provider.issuer(),
        "--client-id",
        OidcProvider::CLIENT_ID,
        "--request-scope",
        "groups",
        "--role",
        "developer",
    ]);
    (broker, provider, person)
}

/// A login that runs, and the address that it shows.
async fn begun(person: &Keyward, args: &[&str], log: &Path) -> (Process, String) {
    let login = Process::start_command("keyward login", person.command(args), log);
    let mut shown = None;
    wait_until("the address to log in at", async || {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        shown = text.split_inclusive('\n').map(str::trim).find(|line| line.starts_with("http")).map(str::to_owned);
        shown.is_some() && text.ends_with('\n')
    })
    .await;
    (login, shown.unwrap())
}

async fn ended(mut login: Process) -> bool {
    login.wait_for_exit(Duration::from_secs(60)).await.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_with_a_browser_and_acts_in_a_role_by_group() {
    let (broker, provider, person) = prepared().await;
    let log = person.home().join("login.log");
    let (login, url) = begun(&person, &["login", "--no-browser"], &log).await;
    assert!(url.contains("code_challenge_method=S256"), "{url}");
    let page = provider.browse(&url, "alice").await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(ended(login).await, "{}", std::fs::read_to_string(&log).unwrap());
    let me = person.json(&["token", "whoami"]);
    assert_eq!((&me["subject"], &me["role"], &me["issuer"]), (&json!("alice"), &json!("developer"), &json!("staff")));
    let session = std::fs::read_dir(person.home().join("run/keyward")).unwrap().next().unwrap().unwrap();
    assert_eq!(session.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // A change of policy counts at once, and back.
    let operator = Keyward::operator(&broker);
    assert!(
        operator.run_with(&["policy", "put", "people", "-"], &TAKE.replace("developers", "others")).status.success()
    );
    let refused = person.run(&["token", "whoami"]);
    assert_eq!(refused.code(), 3, "{refused:?}");
    assert!(operator.run_with(&["policy", "put", "people", "-"], TAKE).status.success());
    person.ok(&["token", "whoami"]);
    person.ok(&["logout"]);
    assert!(std::fs::read_dir(person.home().join("run/keyward")).unwrap().next().is_none());
    assert_eq!(person.run(&["token", "whoami"]).code(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_on_another_device_with_a_code() {
    let (_broker, provider, person) = prepared().await;
    let log = person.home().join("login.log");
    let (login, url) = begun(&person, &["login", "--device"], &log).await;
    let page = provider.browse(&url, "alice").await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(ended(login).await, "{}", std::fs::read_to_string(&log).unwrap());
    assert_eq!(person.json(&["token", "whoami"])["subject"], json!("alice"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_by_the_provider_or_by_policy_gets_no_token() {
    let (_broker, provider, person) = prepared().await;
    let log = person.home().join("refused.log");
    let (login, url) = begun(&person, &["login", "--no-browser"], &log).await;
    provider.browse_and_refuse(&url).await;
    assert!(!ended(login).await);
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("the provider refuses: access_denied"), "{said}");
    let log = person.home().join("guest.log");
    let (login, url) = begun(&person, &["login", "--no-browser"], &log).await;
    provider.browse(&url, "bob").await;
    assert!(!ended(login).await);
    assert!(std::fs::read_to_string(&log).unwrap().contains("permission denied"));
    assert_eq!(person.run(&["token", "whoami"]).code(), 3);
}
