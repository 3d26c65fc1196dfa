//! `keyward policy`, `keyward role`, `keyward issuer` and `keyward audit`.

use keyward_testbed::CiTokens;

use super::Transcript;
use crate::support::{Keyward, broker};

const READ: &str =
    r#"permit (principal in Role::"deploy", action == Action::"secret.read", resource in Folder::"prod");"#;

const TABLE: &str = r#"
[issuers.ci]
repository = "text"

[[expect]]
name = "deploy reads prod"
issuer = "ci"
role = "deploy"
action = "secret.read"
resource = "prod/db"
result = "allow"

[[expect]]
name = "and nothing else"
issuer = "ci"
role = "deploy"
action = "secret.read"
resource = "dev/db"
result = "allow"
"#;

#[tokio::test]
async fn policies_are_written_tried_and_explained() {
    let broker = broker().start().await;
    let mut told = Transcript::of("policy", Keyward::operator(&broker));
    let file =
        |told: &Transcript, name: &str, text: &str| std::fs::write(told.keyward().home().join(name), text).unwrap();
    file(&told, "read.cedar", READ);
    file(&told, "table.toml", TABLE);
    told.line("policy list");
    told.line("policy put deploy read.cedar");
    told.run_with(&["policy", "put", "bad", "-"], "permit (principal, action, resource)\nwhen { 1 };");
    told.line("policy put deploy missing.cedar");
    told.line("policy put a/b read.cedar");
    told.line("policy get deploy");
    told.line("-o json policy get deploy");
    told.line("policy get nothing");
    told.line("policy list");
    told.line("policy delete operator");
    told.line("policy explain secret.read prod/db");
    told.line("policy explain secret.read prod/db --issuer ci --role deploy");
    told.line("policy explain secret.read dev/db --issuer ci --role deploy");
    told.line("-o json policy explain secret.read dev/db --issuer ci --role deploy");
    told.line("policy explain secret.raed prod/db");
    told.line("policy test table.toml");
    told.line("policy test table.toml --offline read.cedar");
    told.line("-o json policy test table.toml --offline read.cedar");
    told.line("policy delete deploy");
    told.matches();
}

#[tokio::test]
async fn roles_and_issuers_are_made_shown_and_removed() {
    let (broker, ci) = (broker().start().await, CiTokens::start().await);
    let mut told = Transcript::of("role", Keyward::operator(&broker));
    std::fs::write(told.keyward().home().join("jwks.json"), ci.jwks().to_string()).unwrap();
    for key in ci.jwks()["keys"].as_array().unwrap() {
        let kid = key["kid"].as_str().unwrap();
        told.hide(kid, if kid.starts_with("rsa") { "rsa key" } else { "ec key" });
    }
    told.line("role put deploy --ttl 1h --path prod --action secret.read");
    told.line("role put night --ttl 2d");
    told.line("role put job --bearer");
    told.line("-o json role get deploy");
    told.line("role get nothing");
    told.line("role list");
    told.line("role delete job");
    told.line("role delete job");
    told.line(
        "issuer add ci --iss https://ci.example --audience keyward --jwks-file jwks.json --claim repository=text",
    );
    told.line("issuer add more --audience keyward");
    told.line("issuer add more --iss https://ci.example --audience keyward --jwks-file jwks.json");
    told.line("issuer add more --iss https://more.example --audience keyward --algorithm none --jwks-file jwks.json");
    told.line("issuer add more --iss https://more.example --audience keyward --claim groups=list");
    told.line("issuer add more --iss https://10.0.0.1 --audience keyward");
    told.line("issuer get ci");
    told.line("-o json issuer list");
    told.line("issuer refresh ci");
    told.line("issuer delete ci");
    told.line("issuer get ci");
    told.matches();
}

#[tokio::test]
async fn the_audit_log_is_shown_and_checked() {
    let broker = broker().start().await;
    let mut told = Transcript::of("audit", Keyward::operator(&broker));
    told.hide(&broker.folder().display().to_string(), "broker");
    let log = told.keyward().json(&["audit", "logs"])[0]["origin"].as_str().unwrap().to_owned();
    told.hide(&log, "log");
    told.keyward().ok(&["secret", "put", "prod/db", "user=app"]);
    told.keyward().ok(&["secret", "get", "prod/db"]);
    told.keyward().run(&["secret", "get", "prod/nothing"]);
    told.line("audit tail --resource prod/db");
    told.line("audit tail --method GetSecret -n 1");
    told.line("audit tail --principal nobody");
    told.line("audit tail --since tomorrow");
    told.line("audit show 999999");
    told.line("audit show first");
    told.line("audit show 7");
    told.line("audit verify missing");
    told.matches();
}
