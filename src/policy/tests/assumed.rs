use super::*;

const TAKES: &str = r#"permit(principal in Issuer::"github", action == Action::"assume", resource == Role::"r")
                       when { principal.claims has repository && principal.claims.repository == "acme/shop" };"#;

fn station(cedar: &str) -> Policy {
    let policy = Policy::new();
    policy.replace(TENANT, compile(cedar));
    policy
}

#[test]
fn a_role_is_taken_again_after_each_change_of_policy() {
    let policy = station(TAKES);
    let caller = caller(Some("r"), Scope::unlimited());
    for _ in 0..3 {
        assert!(policy.still_assumes(&caller).is_ok());
        policy.replace(TENANT, compile(&TAKES.replace("acme/shop", "acme/other")));
        assert_eq!(policy.still_assumes(&caller).unwrap_err().reason(), Denial::NoPermit);
        policy.replace(TENANT, compile(TAKES));
    }
    policy.remove(TENANT);
    assert_eq!(policy.still_assumes(&caller).unwrap_err().reason(), Denial::UnknownTenant);
}

#[test]
fn a_role_is_lost_with_the_issuer_that_vouched() {
    let policy = station(r#"permit(principal, action == Action::"assume", resource);"#);
    let caller = caller(Some("r"), Scope::unlimited());
    assert!(policy.still_assumes(&caller).is_ok());
    let mut issuers = declarations();
    issuers.remove(&name("github"));
    let schema = Arc::new(PolicySchema::new(ROWS, &issuers).unwrap());
    let all = text("p", r#"permit(principal, action == Action::"assume", resource);"#);
    policy.replace(TENANT, Policies::compile(schema, &[all], 2).unwrap());
    assert!(policy.still_assumes(&caller).is_err());
}

#[test]
fn operators_and_callers_without_a_role_took_none_by_policy() {
    let policy = station("forbid(principal, action, resource);");
    assert!(policy.still_assumes(&caller(None, Scope::unlimited())).is_ok());
    let operator = Principal { tenant: TENANT, issuer: IssuerRef::Operator, subject: "init".into() };
    let parts = CallerParts {
        principal: operator,
        role: Some(name("operator")),
        claims: Claims::default(),
        scope: Scope::unlimited(),
        ceiling: Scope::unlimited(),
        token: None,
        node: None,
    };
    assert!(policy.still_assumes(&Caller::for_tests(parts)).is_ok());
    assert!(policy.still_assumes(&caller(Some("operator"), Scope::unlimited())).is_err());
}
