use std::collections::BTreeSet;

use super::*;

fn someone(cedar: &str, roles: &[&str]) -> bool {
    someone_of(cedar, roles, &["github"])
}

/// The role `operator` is there, as it is at first.
fn someone_of(cedar: &str, roles: &[&str], issuers: &[&str]) -> bool {
    someone_in(cedar, &[roles, &["operator"]].concat(), issuers)
}

fn someone_in(cedar: &str, roles: &[&str], issuers: &[&str]) -> bool {
    let names = |all: &[&str]| all.iter().map(|one| name(one)).collect();
    someone_can_write_policies(&compile(cedar), &names(roles), &names(issuers))
}

const TAKE: &str = r#"permit(principal in Issuer::"github", action == Action::"assume", resource == Role::"admins") when { principal.claims has admin && principal.claims.admin };"#;

#[test]
fn the_operator_policy_alone_is_enough() {
    assert!(someone(OPERATOR_POLICY, &[]));
    assert!(someone(
        r#"permit(principal in Role::"operator", action == Action::"policy.write", resource is Policy);"#,
        &[]
    ));
    assert!(someone(r#"permit(principal in Role::"operator", action in [Action::"policy"], resource);"#, &[]));
}

#[test]
fn a_role_counts_when_it_exists_and_someone_may_take_it() {
    let write = r#"permit(principal in Role::"admins", action in Action::"policy", resource);"#;
    let both = format!("{write}\n{TAKE}");
    assert!(someone(&both, &["admins"]));
    assert!(!someone(&both, &[]));
    assert!(!someone(write, &["admins"]));
    assert!(!someone_of(&both, &["admins"], &["gitlab"]), "nobody comes from an issuer that is gone");
    let one = TAKE.replace(r#"principal in Issuer::"github""#, r#"principal == Principal::"oidc/github/alice""#);
    let one = format!("{write}\n{one}");
    assert!(someone_of(&one, &["admins"], &["github"]) && !someone_of(&one, &["admins"], &["git"]));
    let any = format!(r#"{write} permit(principal, action == Action::"assume", resource == Role::"admins");"#);
    assert!(someone_of(&any, &["admins"], &[]));
}

#[test]
fn what_depends_on_a_condition_or_on_one_policy_does_not_count() {
    for cedar in [
        r#"permit(principal in Role::"operator", action, resource) when { principal.subject == "alice" };"#,
        r#"permit(principal in Role::"operator", action, resource == Policy::"one");"#,
        r#"permit(principal in Role::"operator", action == Action::"secret.read", resource);"#,
        r#"permit(principal in Role::"operator", action, resource); forbid(principal, action == Action::"policy.write", resource);"#,
        r#"permit(principal in Role::"operator", action, resource); forbid(principal in Role::"operator", action, resource is Policy);"#,
        r#"permit(principal in Role::"operator", action, resource); forbid(principal, action, resource) when { 1 == 1 };"#,
        r#"permit(principal in Role::"operator", action, resource); forbid(principal, action in Action::"policy", resource) unless { principal.subject == "alice" };"#,
    ] {
        assert!(!someone(cedar, &["admins"]), "{cedar}");
    }
}

#[test]
fn an_operator_role_that_cannot_write_policies_does_not_count() {
    assert!(!someone_in(OPERATOR_POLICY, &["admins"], &[]));
    let both = format!(r#"{OPERATOR_POLICY} permit(principal in Role::"admins", action, resource); {TAKE}"#);
    assert!(someone_in(&both, &["admins"], &["github"]));
}

#[test]
fn a_forbid_against_all_who_may_take_the_role_counts() {
    for against in [
        r#"principal in Authority::"operator""#,
        r#"principal is Principal in Authority::"operator""#,
        r#"principal == Principal::"operator/init""#,
    ] {
        let both = format!(r#"{OPERATOR_POLICY} forbid({against}, action, resource);"#);
        assert!(!someone(&both, &[]), "{against}");
    }
    let others = r#"forbid(principal in Issuer::"github", action, resource); forbid(principal in Authority::"certificate", action, resource); forbid(principal in Role::"deploy", action, resource);"#;
    assert!(someone(&format!("{OPERATOR_POLICY} {others}"), &[]));

    let write = r#"permit(principal in Role::"admins", action in Action::"policy", resource);"#;
    let admins = |more: &str| someone_in(&format!("{write} {TAKE} {more}"), &["admins"], &["github"]);
    assert!(admins(""));
    assert!(!admins(r#"forbid(principal in Issuer::"github", action == Action::"policy.write", resource);"#));
    assert!(admins(r#"forbid(principal in Authority::"operator", action, resource);"#));
    assert!(admins(r#"forbid(principal == Principal::"oidc/github/eve", action, resource);"#));
    let alice = TAKE.replace(r#"principal in Issuer::"github""#, r#"principal == Principal::"oidc/github/alice""#);
    let alice = |more: &str| someone_in(&format!("{write} {alice} {more}"), &["admins"], &["github"]);
    assert!(alice("") && alice(r#"forbid(principal == Principal::"oidc/github/eve", action, resource);"#));
    assert!(!alice(r#"forbid(principal == Principal::"oidc/github/alice", action, resource);"#));
    assert!(!alice(r#"forbid(principal in Issuer::"github", action, resource);"#));
}

#[test]
fn a_forbid_against_taking_the_role_counts() {
    let write = r#"permit(principal in Role::"admins", action in Action::"policy", resource);"#;
    let admins = |more: &str| someone_in(&format!("{write} {TAKE} {more}"), &["admins"], &["github"]);
    assert!(!admins(r#"forbid(principal, action == Action::"assume", resource);"#));
    assert!(!admins(
        r#"forbid(principal in Issuer::"github", action == Action::"assume", resource == Role::"admins");"#
    ));
    assert!(admins(r#"forbid(principal, action == Action::"assume", resource == Role::"deploy");"#));
    assert!(admins(r#"forbid(principal in Issuer::"gitlab", action == Action::"assume", resource);"#));
    let operator = format!(r#"{OPERATOR_POLICY} forbid(principal, action == Action::"assume", resource);"#);
    assert!(someone(&operator, &[]), "operators' tokens are given without asking a policy");
}

#[test]
fn policies_that_cannot_be_read_leave_no_one() {
    let (policies, _) = Policies::load(schema(), &[text("operator", OPERATOR_POLICY), text("q", "???")], 1);
    assert!(!someone_can_write_policies(&policies, &[name("operator")].into(), &BTreeSet::new()));
}
