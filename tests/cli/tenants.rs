//! `keyward tenant`, and being somebody in one.

use super::Transcript;
use crate::support::{Keyward, broker};

#[tokio::test]
async fn a_tenant_is_made_stopped_and_destroyed() {
    let broker = broker().start().await;
    let mut told = Transcript::of("tenant", Keyward::operator(&broker));
    told.line("tenant list");
    let made = told.run(&["-o", "json", "tenant", "create", "shop", "--description", "of the shop"]).ok();
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    told.line("tenant create shop");
    told.line("tenant create blue");
    told.line("tenant create ..");
    told.line("tenant get shop");
    told.line("tenant get nothing");
    told.line("tenant list");
    told.line("tenant suspend shop");
    told.line("tenant suspend main");
    told.line("tenant resume shop");
    told.line("tenant destroy shop --after 1d --yes");
    told.line("tenant destroy blue --yes");
    told.line("-o json tenant destroy shop --after 7d --renew-seal --yes");
    told.line("tenant list");
    told.line("tenant cancel-destruction shop");
    told.line("tenant cancel-destruction main");
    told.line("tenant resume shop");
    // Its first operator, named by option and by environment.
    told.changed(|_| Keyward::of(&broker));
    let token = format!("{}\n", made["operator_token"].as_str().unwrap());
    told.run_with(&["operator", "login", "--tenant", "shop"], &token);
    told.line("token whoami");
    told.line("token whoami --tenant shop");
    told.line("token whoami --tenant main");
    told.changed(|keyward| keyward.with("KEYWARD_TENANT", "shop"));
    told.line("token whoami");
    told.line("tenant list");
    told.hide(made["operator_token"].as_str().unwrap(), "token");
    told.matches();
}
