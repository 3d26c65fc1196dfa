//! `keyward context`, and where a command goes.

use super::Transcript;
use crate::support::{Keyward, broker};

#[test]
fn contexts_are_named_chosen_and_forgotten() {
    let mut told = Transcript::of("context", Keyward::alone());
    told.line("context list");
    told.line("context set prod");
    told.line("context set prod --addr https://prod.example:7443 --ca-cert /etc/keyward/ca.pem");
    told.line(
        "context set test --addr https://test.example:7443 --tenant shop --issuer https://login.example --role dev",
    );
    told.line("context use test");
    told.line("context use nothing");
    told.line("context set prod --tenant blue");
    told.line("-o json context list");
    told.line("context delete test");
    told.line("context delete test");
    told.line("token whoami --context test");
    told.matches();
}

#[tokio::test]
async fn a_command_goes_where_option_environment_and_context_say_in_this_order() {
    let (first, second) = tokio::join!(broker().start(), broker().start());
    let file = |broker: &crate::support::Broker| broker.ca_file().display().to_string();
    let keyward = Keyward::alone();
    let set = |name: &str, broker: &crate::support::Broker| {
        keyward.ok(&["context", "set", name, "--addr", &broker.url(), "--ca-cert", &file(broker)]);
    };
    set("first", &first);
    set("second", &second);
    let installed = |keyward: &Keyward, args: &[&str]| {
        keyward.json(&[&["seal", "status"], args].concat())["installation"].as_str().unwrap().to_owned()
    };
    let (one, two) = (first.made().installation_id.clone(), second.made().installation_id.clone());
    assert_eq!(installed(&keyward, &[]), one, "the first context is in use");
    assert_eq!(installed(&keyward, &["--context", "second"]), two);
    keyward.ok(&["context", "use", "second"]);
    assert_eq!(installed(&keyward, &[]), two);
    assert_eq!(installed(&keyward, &["--addr", &first.url(), "--ca-cert", &file(&first)]), one);
    let keyward = keyward.with("KEYWARD_ADDR", &first.url()).with("KEYWARD_CA_CERT", &file(&first));
    assert_eq!(installed(&keyward, &[]), one);
    assert_eq!(installed(&keyward, &["--addr", &second.url(), "--ca-cert", &file(&second)]), two);
}
