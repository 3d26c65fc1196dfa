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
    told.run_with(&["operator", "login"], &format!("{token}\n"));
    told.line("token whoami");
    told.line("logout");
    told.line("token whoami");
    told.line("logout");
    told.matches();
}
