use super::*;
use crate::method::Attribute;

fn station(cedar: &str) -> Policy {
    let policy = Policy::new();
    policy.replace(TENANT, compile(cedar));
    policy
}

const READ_ALL: &str = r#"permit(principal in Role::"r", action == Action::"secret.read", resource);"#;

#[test]
fn a_change_of_policy_counts_from_the_next_request_on() {
    let policy = station(READ_ALL);
    let caller = caller(Some("r"), Scope::unlimited());
    for _ in 0..3 {
        let permit = policy.authorize(caller.clone(), &Read("a/b"), vec![]).unwrap();
        assert_eq!(
            (permit.because().to_string().as_str(), permit.resource().name(), permit.tenant()),
            ("p#0", "a/b", TENANT)
        );
        policy.replace(TENANT, compile(r#"forbid(principal, action, resource);"#));
        assert_eq!(policy.authorize(caller.clone(), &Read("a/b"), vec![]).unwrap_err().reason(), Denial::Forbid);
        policy.replace(TENANT, compile(READ_ALL));
    }
    policy.remove(TENANT);
    assert_eq!(policy.authorize(caller, &Read("a/b"), vec![]).unwrap_err().reason(), Denial::UnknownTenant);
}

#[test]
fn callers_resources_and_attributes_do_not_share_decisions() {
    let policy = station(
        r#"permit(principal in Role::"r", action == Action::"secret.read", resource in Folder::"a");
           permit(principal in Role::"s", action == Action::"secret.read", resource in Folder::"b");"#,
    );
    let (r, s) = (caller(Some("r"), Scope::unlimited()), caller(Some("s"), Scope::unlimited()));
    for _ in 0..2 {
        assert!(policy.authorize(r.clone(), &Read("a"), vec![]).is_ok());
        assert!(policy.authorize(r.clone(), &Read("b"), vec![]).is_err());
        assert!(policy.authorize(s.clone(), &Read("a"), vec![]).is_err());
        assert!(policy.authorize(s.clone(), &Read("b"), vec![]).is_ok());
        // An attribute that is in nobody's schema still is another question.
        assert!(policy.authorize(s.clone(), &Read("b"), vec![Attribute::Bool("exportable", true)]).is_ok());
    }
}

#[test]
fn a_callers_address_is_not_used_again_while_a_decision_is_kept() {
    let policy = station(READ_ALL);
    for turn in 0..2_000 {
        let role = if turn % 2 == 0 { "r" } else { "x" };
        let permitted = policy.authorize(caller(Some(role), Scope::unlimited()), &Read("a"), vec![]).is_ok();
        assert_eq!(permitted, role == "r");
    }
}

#[test]
fn a_token_does_not_reach_outside_its_scope() {
    let policy = station("permit(principal, action, resource);");
    let paths: Vec<NamePath> = vec!["prod/db".parse().unwrap()];
    let narrowed = caller(Some("r"), Scope::new(paths, vec![]).unwrap());
    for _ in 0..2 {
        assert!(policy.authorize(narrowed.clone(), &Read("prod/db/main"), vec![]).is_ok());
        let refused = policy.authorize(narrowed.clone(), &Read("prod/other"), vec![]).unwrap_err();
        assert_eq!(refused.reason(), Denial::OutsideScope);
    }
}

#[test]
fn one_tenant_knows_nothing_of_another() {
    let policy = station("permit(principal, action, resource);");
    policy.replace(TenantId([8; 16]), compile("forbid(principal, action, resource);"));
    assert!(policy.authorize(caller(Some("r"), Scope::unlimited()), &Read("a"), vec![]).is_ok());
    let principal = Principal { tenant: TenantId([8; 16]), ..principal("github", "repo:acme/shop") };
    let other = CallerParts {
        principal,
        role: Some(name("r")),
        claims: claims("x"),
        scope: Scope::unlimited(),
        ceiling: Scope::unlimited(),
        token: None,
        node: None,
    };
    assert_eq!(policy.authorize(Caller::for_tests(other), &Read("a"), vec![]).unwrap_err().reason(), Denial::Forbid);
}

#[test]
fn every_refusal_reads_the_same() {
    let policy = station("forbid(principal, action, resource);");
    let forbidden = policy.authorize(caller(Some("r"), Scope::unlimited()), &Read("a"), vec![]).unwrap_err();
    let unknown = Policy::new().authorize(caller(Some("r"), Scope::unlimited()), &Read("a"), vec![]).unwrap_err();
    assert_eq!(forbidden.to_string(), unknown.to_string());
}

macro_rules! acts {
    ($name:ident = $row:ident) => {
        struct $name;
        impl Action for $name {
            const METHOD: &'static Method = &$row;
            type Resource = crate::method::Tenantwide;
            fn resource(&self) -> crate::method::Tenantwide {
                crate::method::Tenantwide($row.resource)
            }
        }
    };
}
acts!(Status = STATUS);
acts!(Login = LOGIN);
acts!(ListAll = LIST);

#[test]
fn only_rows_that_are_not_for_callers_are_granted_without_a_policy() {
    let policy = Policy::new();
    let nobody = || Caller::anonymous(TENANT);
    assert_eq!(policy.authorize(nobody(), &Status, vec![]).unwrap().because().to_string(), "row:public");
    assert_eq!(policy.authorize(nobody(), &Login, vec![]).unwrap().because().to_string(), "row:bootstrap");
    assert!(policy.authorize(nobody(), &ListAll, vec![]).is_err());
    policy.replace(TENANT, compile("permit(principal, action, resource);"));
    assert_eq!(policy.authorize(nobody(), &ListAll, vec![]).unwrap_err().reason(), Denial::Anonymous);
    assert!(policy.authorize(caller(Some("r"), Scope::unlimited()), &ListAll, vec![]).is_ok());
}
