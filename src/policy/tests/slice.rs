//! The sliced answer is the full answer.

use cedar_policy::PolicySet;
use proptest::prelude::*;

use super::*;
use crate::{
    method::Attribute,
    policy::{
        check::{Finding, explain},
        policies::verdict,
    },
};

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(words)
}

const NAMES: &[&str] = &["", "a", "a/b", "a/b/c", "a/bc", "b", "b/a", "x", "r", "/a"];

fn statement() -> impl Strategy<Value = String> {
    let principal = one_of(&[
        "principal",
        "principal",
        "principal is Principal",
        r#"principal in Role::"r""#,
        r#"principal in Role::"s""#,
        r#"principal is Principal in Role::"r""#,
        r#"principal in Issuer::"github""#,
        r#"principal is Principal in Issuer::"gitlab""#,
        r#"principal in Authority::"node""#,
        r#"principal == Principal::"oidc/github/x""#,
        r#"principal in Principal::"oidc/gitlab/x""#,
    ]);
    let action = one_of(&[
        "action",
        r#"action == Action::"secret.read""#,
        r#"action in Action::"secret""#,
        r#"action in [Action::"secret.write", Action::"key.export"]"#,
        r#"action in [Action::"secret.read", Action::"secret.list"]"#,
        r#"action in Action::"key.export""#,
        r#"action == Action::"assume""#,
        r#"action in [Action::"assume", Action::"policy"]"#,
    ]);
    let resource = one_of(&[
        "resource",
        "resource",
        "resource is Secret",
        "resource is Key",
        r#"resource == Secret::"a/b""#,
        r#"resource == Key::"a/b""#,
        r#"resource == Secret::"""#,
        r#"resource in Secret::"a/b""#,
        r#"resource in Folder::"a""#,
        r#"resource in Folder::"a/b""#,
        r#"resource in Folder::"/""#,
        r#"resource in Folder::"""#,
        r#"resource is Secret in Folder::"a""#,
        r#"resource is Key in Folder::"b""#,
        r#"resource == Role::"r""#,
    ]);
    let condition = one_of(&[
        "",
        "",
        "",
        "when { false }",
        r#"when { principal in Role::"r" }"#,
        r#"unless { resource in Folder::"a/b" }"#,
        r#"when { principal.claims.missing }"#,
        r#"when { principal has claims && principal.claims has n && principal.claims.n > 1 }"#,
        r#"when { resource.exportable }"#,
        r#"unless { action in Action::"secret" }"#,
        r#"when { 9223372036854775807 + principal.claims.n > 0 }"#,
    ]);
    (any::<bool>(), principal, action, resource, condition).prop_map(
        |(permit, principal, action, resource, condition)| {
            let effect = if permit { "permit" } else { "forbid" };
            format!("{effect} ({principal}, {action}, {resource}) {condition};")
        },
    )
}

fn subject() -> impl Strategy<Value = (IssuerRef, &'static str, Option<&'static str>, Option<i64>)> {
    let issuer = prop_oneof![
        Just(IssuerRef::Oidc(name("github"))),
        Just(IssuerRef::Oidc(name("gitlab"))),
        Just(IssuerRef::Node),
        Just(IssuerRef::Certificate),
    ];
    (
        issuer,
        one_of(&["x", "y", "a/x"]),
        proptest::option::of(one_of(&["r", "s", "t"])),
        proptest::option::of(-1_i64..4),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Policies are loaded as out of a store, so those that are not valid are evaluated as well where they forbid.
    #[test]
    fn the_sliced_answer_is_the_full_answer(
        texts in proptest::collection::vec(statement(), 1..24),
        (issuer, subject, role, n) in subject(),
        (action, kind) in prop_oneof![
            Just((READ.action, ResourceKind::Secret)),
            Just((WRITE.action, ResourceKind::Secret)),
            Just((EXPORT.action, ResourceKind::Key)),
            Just((ASSUME, ResourceKind::Role)),
        ],
        resource in one_of(NAMES),
        exportable in proptest::option::of(any::<bool>()),
    ) {
        let texts: Vec<_> = texts.iter().enumerate().map(|(n, cedar)| text(&format!("p{n}"), cedar)).collect();
        let (policies, _) = Policies::load(schema(), &texts, 1);
        let principal = Principal { tenant: TENANT, issuer, subject: subject.into() };
        let claims = n.map(|n| ("n".to_owned(), ClaimValue::Long(n))).into_iter().collect();
        let role = role.map(name);
        let subject = Subject::new(policies.schema(), &principal, role.as_ref(), &Arc::new(claims)).unwrap();
        let attributes: Vec<_> = exportable.map(|yes| Attribute::Bool("exportable", yes)).into_iter().collect();
        let asked = Question { action, kind, name: resource, attributes: &attributes };
        let all = PolicySet::from_policies(policies.statements().iter().map(|s| s.cedar.clone())).unwrap();
        let full = policies.respond(&subject, &asked, Some(&all)).unwrap();
        let sliced = policies.respond(&subject, &asked, None).unwrap();
        prop_assert_eq!(verdict(&sliced), verdict(&full));
        prop_assert_eq!(sliced.decision(), full.decision());
        // What `explain` says of each statement is what Cedar did with it.
        let explained = explain(&policies, &subject, &asked);
        let ids = |wanted: fn(&Finding) -> bool| {
            let found = explained.findings.iter().filter(|(_, _, finding)| wanted(finding));
            found.map(|(id, ..)| id.to_string()).collect::<std::collections::BTreeSet<_>>()
        };
        let failed = full.diagnostics().errors()
            .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(e)| e.policy_id().to_string()).collect();
        prop_assert_eq!(ids(|finding| matches!(finding, Finding::Error(_))), failed);
        let applies = ids(|finding| *finding == Finding::Applies);
        prop_assert!(full.diagnostics().reason().all(|id| applies.contains(&id.to_string())));
    }
}

#[test]
fn the_slice_leaves_out_what_is_for_others() {
    let texts: Vec<_> = (0..200)
        .map(|n| {
            text(
                &format!("p{n}"),
                &format!("permit(principal in Role::\"r{n}\", action, resource in Folder::\"f{n}\");"),
            )
        })
        .collect();
    let policies = Policies::compile(schema(), &texts, 1).unwrap();
    let subject = Subject::of(policies.schema(), &caller(Some("r7"), Scope::unlimited())).unwrap();
    let action = policies.schema().action(READ.action, ResourceKind::Secret).unwrap();
    assert_eq!(policies.index().slice(subject.keys(), action, "f7/a").as_ref(), [7]);
    assert!(policies.index().slice(subject.keys(), action, "f8/a").is_empty());
    assert_eq!(because(&decide(&policies, Some("r7"), &READ, "f7/a")), "p7#0");
}
