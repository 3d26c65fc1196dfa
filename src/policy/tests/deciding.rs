use super::*;
use crate::method::Attribute;

const DEPLOY: &str = r#"
@id("read") permit(principal in Role::"deploy", action == Action::"secret.read", resource in Folder::"prod/db");
forbid(principal, action, resource == Secret::"prod/db/root");
permit(principal in Role::"admin", action in Action::"secret", resource);
"#;

#[test]
fn what_no_policy_permits_is_refused() {
    let policies = compile(DEPLOY);
    assert_eq!(because(&decide(&policies, Some("deploy"), &READ, "prod/db/main")), "p#read");
    for (role, method, resource) in [
        (None, &READ, "prod/db/main"),
        (Some("other"), &READ, "prod/db/main"),
        (Some("deploy"), &WRITE, "prod/db/main"),
        (Some("deploy"), &READ, "prod/dbx/main"),
        (Some("deploy"), &READ, "prod"),
        (Some("deploy"), &READ, ""),
    ] {
        assert_eq!(reason(&decide(&policies, role, method, resource)), Denial::NoPermit, "{role:?} {resource}");
    }
}

#[test]
fn a_folder_holds_what_is_at_or_below_it() {
    let policies = compile(DEPLOY);
    for inside in ["prod/db", "prod/db/main", "prod/db/a/b/c"] {
        assert!(decide(&policies, Some("deploy"), &READ, inside).is_allow(), "{inside}");
    }
}

#[test]
fn a_forbid_wins_over_every_permit() {
    let policies = compile(DEPLOY);
    for role in ["deploy", "admin"] {
        let verdict = decide(&policies, Some(role), &READ, "prod/db/root");
        assert_eq!((reason(&verdict), because(&verdict)), (Denial::Forbid, "not p#1".to_owned()));
    }
}

#[test]
fn an_action_group_holds_its_actions_and_no_others() {
    let policies = compile(DEPLOY);
    for method in [&READ, &LIST, &WRITE] {
        assert_eq!(because(&decide(&policies, Some("admin"), method, "x")), "p#2");
    }
    assert_eq!(reason(&decide(&policies, Some("admin"), &EXPORT, "x")), Denial::NoPermit);
}

#[test]
fn an_error_in_a_policy_is_a_refusal_even_beside_a_permit() {
    let policies = compile(
        r#"permit(principal, action, resource);
           @id("careful") forbid(principal, action == Action::"key.export", resource) when { !resource.exportable };"#,
    );
    let subject = Subject::of(policies.schema(), &caller(Some("r"), Scope::unlimited())).unwrap();
    let ask = |attributes: &[Attribute]| {
        policies.decide(&subject, &Question { action: EXPORT.action, kind: ResourceKind::Key, name: "k", attributes })
    };
    let unknown = ask(&[]);
    assert_eq!((reason(&unknown), because(&unknown)), (Denial::Error, "not p#careful".to_owned()));
    assert_eq!(reason(&ask(&[Attribute::Bool("exportable", false)])), Denial::Forbid);
    assert!(ask(&[Attribute::Bool("exportable", true)]).is_allow());
    assert_eq!(reason(&ask(&[Attribute::Text("exportable", "yes".to_owned())])), Denial::Error);
}

#[test]
fn roles_are_assumed_by_issuer_and_claims() {
    let policies = compile(
        r#"permit(principal in Issuer::"github", action == Action::"assume", resource == Role::"deploy")
           when { principal.claims has repository && principal.claims.repository == "acme/shop" };"#,
    );
    let asks = |issuer: &str, repository: &str, role: &str| {
        policies.decide_assume(&principal(issuer, "s"), &claims(repository), &name(role)).is_allow()
    };
    assert!(asks("github", "acme/shop", "deploy"));
    assert!(!asks("gitlab", "acme/shop", "deploy"));
    assert!(!asks("github", "acme/other", "deploy"));
    assert!(!asks("github", "acme/shop", "admin"));
    assert!(!policies.decide_assume(&principal("github", "s"), &Claims::default(), &name("deploy")).is_allow());
}

#[test]
fn a_principal_of_one_issuer_is_never_one_of_another() {
    let policies = compile(r#"permit(principal == Principal::"oidc/github/certificate/x", action, resource);"#);
    let asks = |issuer: IssuerRef, subject: &str| {
        let principal = Principal { tenant: TENANT, issuer, subject: subject.into() };
        policies.decide_assume(&principal, &Claims::default(), &name("r")).is_allow()
    };
    assert!(asks(IssuerRef::Oidc(name("github")), "certificate/x"));
    assert!(!asks(IssuerRef::Certificate, "x"));
    assert!(!asks(IssuerRef::Oidc(name("oidc")), "github/certificate/x"));
    assert!(!asks(IssuerRef::Node, "github/certificate/x"));
}

#[test]
fn a_node_is_in_its_cluster_only() {
    let rows: &[&Method] = &[const { &row("t/Keyset", "cluster.keyset", ResourceKind::Cluster, Access::Caller) }];
    let schema = Arc::new(PolicySchema::new(rows, &Declarations::new()).unwrap());
    let cedar = r#"permit(principal in Authority::"node", action == Action::"cluster.keyset", resource)
                   when { principal has cluster && principal.cluster == resource };"#;
    let policies = Policies::compile(schema, &[text("nodes", cedar)], 1).unwrap();
    let node = Principal { tenant: TENANT, issuer: IssuerRef::Node, subject: "blue/cp-1".into() };
    let subject = Subject::new(policies.schema(), &node, None, &Claims::default()).unwrap();
    let ask = |name| {
        policies.decide(
            &subject,
            &Question { action: "cluster.keyset", kind: ResourceKind::Cluster, name, attributes: &[] },
        )
    };
    assert!(ask("blue").is_allow());
    assert_eq!(reason(&ask("green")), Denial::NoPermit);
}

#[test]
fn nobody_in_particular_is_refused_whatever_policies_say() {
    let policies = compile("permit(principal, action, resource);");
    let subject = Subject::of(policies.schema(), &Caller::anonymous(TENANT)).unwrap();
    let asked = Question { action: READ.action, kind: ResourceKind::Secret, name: "a", attributes: &[] };
    assert_eq!(reason(&policies.decide(&subject, &asked)), Denial::Anonymous);
}

#[test]
fn an_action_on_a_thing_it_is_not_for_is_refused_whatever_policies_say() {
    let policies = compile("permit(principal, action, resource);");
    let subject = Subject::of(policies.schema(), &caller(Some("r"), Scope::unlimited())).unwrap();
    for (action, kind) in
        [("secret.read", ResourceKind::Key), ("secret.raed", ResourceKind::Secret), ("secret", ResourceKind::Secret)]
    {
        let verdict = policies.decide(&subject, &Question { action, kind, name: "a", attributes: &[] });
        assert_eq!(reason(&verdict), Denial::UnknownAction);
    }
}

#[test]
fn the_operator_policy_lets_the_operator_do_everything_and_no_one_else_anything() {
    let policies = Policies::compile(schema(), &[text("operator", OPERATOR_POLICY)], 1).unwrap();
    for row in ROWS.iter().filter(|row| row.access == Access::Caller) {
        assert_eq!(because(&decide(&policies, Some(OPERATOR_ROLE), row, "a")), "operator#everything");
        assert_eq!(reason(&decide(&policies, Some("other"), row, "a")), Denial::NoPermit);
    }
}
