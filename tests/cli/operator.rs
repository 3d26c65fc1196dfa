//! `keyward operator`, `keyward seal` and `keyward status`.

use keyward_testbed::wait_until;

use super::Transcript;
use crate::support::{Keyward, broker};

/// What stands behind a name in a table.
fn values<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    text.lines().filter_map(|line| line.strip_prefix(name)).map(str::trim).collect()
}

#[tokio::test]
async fn an_installation_is_made_sealed_opened_and_recovered() {
    let broker = broker().start_empty().await;
    let socket = format!("unix://{}/keyward.sock", broker.folder().display());
    let mut told = Transcript::of("operator", Keyward::alone().with("KEYWARD_ADDR", &socket));
    told.hide(&broker.folder().display().to_string(), "broker");
    told.hide(&broker.url(), "url");
    told.line("operator status");
    told.line("status");
    told.line("token whoami");
    told.line("operator init");
    told.line("operator init --people 3");
    told.line("operator init --member nonsense");
    let member = format!("key-file:{}/seal.key", broker.folder().display());
    let made = told.run(&["operator", "init", "--member", &member, "--people", "3", "--threshold", "2"]).ok();
    let shares: Vec<_> = values(&made, "share").into_iter().map(str::to_owned).collect();
    assert_eq!(shares.len(), 3, "{made}");
    for (at, share) in shares.iter().enumerate() {
        told.hide(share, &format!("share {}", at + 1));
    }
    let token = values(&made, "operator token")[0].to_owned();
    told.hide(&token, "token");
    told.run(&["operator", "init", "--member", &member]);
    let ca = made.find("-----BEGIN").map(|at| &made[at..]).unwrap();
    std::fs::write(broker.ca_file(), ca).unwrap();
    told.line("status");
    told.changed(|_| Keyward::of(&broker));
    told.run_with(&["operator", "login"], &format!("{token}\n"));
    told.line("seal status");
    told.line("-o json seal status");
    told.line("operator rotate-root");
    told.line("operator rotate-keyring");
    told.line("operator rotate-keyring main");
    told.line("operator rotate-keyring nothing");
    told.line("operator seal");
    told.line("operator seal --yes");
    told.line("operator seal --yes");
    told.line("token whoami");
    told.line("status");
    told.run_with(&["operator", "unseal"], &shares[0]);
    told.run_with(&["operator", "unseal"], &shares[0]);
    told.run_with(&["operator", "unseal"], "nonsense");
    told.line("seal status");
    told.run_with(&["operator", "unseal"], &shares[2]);
    told.line("operator seal --yes");
    told.line("operator unseal --members");
    told.run(&["-o", "json", "operator", "unseal", "--members", "--addr", &socket]);
    told.run_with(&["operator", "recover"], &shares[1]);
    let recovered = told.run_with(&["operator", "recover"], &format!("{}\n{}\n", shares[1], shares[2])).ok();
    let token = values(&recovered, "operator token")[0].to_owned();
    told.hide(&token, "token");
    told.line("operator recover --local");
    told.run_with(&["operator", "login"], &format!("{token}\n"));
    told.matches();
}

#[tokio::test]
async fn the_seal_is_shown_changed_and_drilled() {
    let broker = broker().start().await;
    let mut told = Transcript::of("seal", Keyward::operator(&broker));
    told.hide(&broker.folder().display().to_string(), "broker");
    // The members are asked for the first time soon after the opening.
    wait_until("the member was asked", async || {
        told.keyward().json(&["seal", "path", "list"]).to_string().contains("reachable")
    })
    .await;
    told.line("seal path list");
    told.line("seal path list --probe");
    let put = ["seal", "path", "put", "people", "--threshold", "2", "--person", "ann", "--person", "bob"];
    let made = told.run(&[&put[..], &["--person", "eve"]].concat()).ok();
    for (at, share) in values(&made, "share").into_iter().enumerate() {
        told.hide(share, &format!("share {}", at + 1));
    }
    told.run(&put);
    let made = told.run(&[&["-o", "json"], &put[..], &["--yes"]].concat()).ok();
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    for (at, share) in made["shares"].as_array().unwrap().iter().enumerate() {
        told.hide(share["share"].as_str().unwrap(), &format!("new share {}", at + 1));
    }
    told.line("seal path put x --threshold 3 --person ann");
    told.line("seal path put x --threshold 1 --member nonsense:/x");
    told.line("seal path list");
    told.line("seal drill");
    told.line("-o json seal drill");
    told.line("seal path delete people");
    told.line("seal path delete people --yes");
    told.line("seal path delete auto --yes");
    told.line("seal path delete nothing --yes");
    told.matches();
}

#[tokio::test]
async fn the_status_shows_the_installation_to_operators_and_little_to_others() {
    let broker = broker().start().await;
    let mut told = Transcript::of("status", Keyward::of(&broker));
    told.line("status");
    told.changed(|_| Keyward::operator(&broker));
    // How much memory can be locked is a matter of the machine.
    let status = told.keyward().json(&["status"]);
    told.hide(status["memory_protection"].as_str().unwrap(), "memory");
    for warning in status["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap()) {
        if warning.contains("memory") {
            told.hide(&format!(", {warning}"), "memory");
        }
    }
    told.hide(env!("CARGO_PKG_VERSION"), "version");
    told.line("status");
    told.matches();
}
