//! Policies: what is refused must not take the broker with it, and what is taken must decide.

use std::sync::{Arc, LazyLock};

use keyward::{
    method::METHODS,
    policy::{Declarations, MAX_STATEMENTS, OPERATOR_POLICY, Policies, PolicySchema, PolicyText},
};

use crate::support::texts;

static SCHEMA: LazyLock<Arc<PolicySchema>> =
    LazyLock::new(|| Arc::new(PolicySchema::new(METHODS, &Declarations::default()).unwrap()));

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let given = [PolicyText { name: "p".parse().unwrap(), text: text.to_owned() }];
    let compiled = Policies::compile(Arc::clone(&SCHEMA), &given, 1);
    // What is in the store already is loaded all the same: either whole, or with a problem and then nothing is allowed.
    let (_, problems) = Policies::load(Arc::clone(&SCHEMA), &given, 1);
    match compiled {
        Ok(_) => assert!(text.matches("permit").count() + text.matches("forbid").count() > 0),
        Err(found) => assert!(!found.to_string().is_empty() && text.len() + MAX_STATEMENTS > 0),
    }
    let _told = problems.to_string();
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let page = include_str!("../../../docs/policies.md");
    let blocks = page.split("```cedar\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut seeds: Vec<_> = blocks.map(|block| block.as_bytes().to_vec()).collect();
    seeds.extend(texts(&[
        OPERATOR_POLICY,
        "permit (principal, action, resource);",
        "@id(\"a\") forbid (principal in Role::\"deploy\", action == Action::\"secret.read\", resource in SecretFolder::\"prod\") unless { context.mfa };",
        "permit (principal, action, resource == ?resource);",
    ]));
    seeds
}
