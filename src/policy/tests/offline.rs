use super::*;
use crate::policy::check::{Asking, Finding, Table, TableError, explain, run, run_on};

const POLICIES: &str = r#"
@id("take") permit(principal in Issuer::"github", action == Action::"assume", resource == Role::"deploy")
when { principal.claims has repository && principal.claims.repository == "acme/shop" };
@id("read") permit(principal in Role::"deploy", action == Action::"secret.read", resource in Folder::"prod/db");
@id("root") forbid(principal, action, resource == Secret::"prod/db/root") unless { principal in Role::"admin" };
"#;

const TABLE: &str = r#"
[issuers.github]
repository = "text"

[[expect]]
name = "the shop may deploy"
issuer = "github"
claims = { repository = "acme/shop" }
action = "assume"
resource = "deploy"
result = "allow"
because = ["deploy#take"]

[[expect]]
issuer = "github"
role = "deploy"
action = "secret.read"
resource = "prod/db/main"
result = "allow"

[[expect]]
name = "not the root password"
issuer = "github"
role = "deploy"
action = "secret.read"
resource = "prod/db/root"
result = "deny"
because = ["deploy#root"]
"#;

#[test]
fn a_table_of_expectations_is_run() {
    let report = run(ROWS, &[text("deploy", POLICIES)], &Table::parse(TABLE).unwrap()).unwrap();
    assert!(report.passed(), "{report:?}");
    assert_eq!(report.0.len(), 3);
}

#[test]
fn an_expectation_that_is_not_met_is_named_with_the_reasons() {
    let table = Table::parse(&TABLE.replace("prod/db/main", "prod/web")).unwrap();
    let report = run(ROWS, &[text("deploy", POLICIES)], &table).unwrap();
    let missed: Vec<_> = report.0.iter().filter(|outcome| outcome.differs.is_some()).collect();
    assert_eq!(missed.len(), 1);
    assert_eq!(
        (missed[0].name.as_str(), missed[0].differs.as_deref()),
        ("secret.read prod/web", Some("expected allow, got deny"))
    );
    let shown = missed[0].explanation.to_string();
    assert!(shown.starts_with("refused: no policy permits it\n"), "{shown}");
    assert!(shown.contains("permit deploy#read does not apply: it is for other resources"), "{shown}");
    let table = Table::parse(&TABLE.replace("deploy#root", "deploy#read")).unwrap();
    assert!(!run(ROWS, &[text("deploy", POLICIES)], &table).unwrap().passed());
}

#[test]
fn a_table_that_tests_nothing_or_the_wrong_thing_is_refused() {
    assert!(matches!(Table::parse(""), Err(TableError::Empty)));
    assert!(matches!(
        Table::parse("[[expect]]\nissuer = \"a\"\nactoin = \"x\"\n"),
        Err(TableError::Text { line: 1..=3, .. })
    ));
    let refused = |from: &str, to: &str| {
        let table = Table::parse(&TABLE.replace(from, to)).unwrap();
        run(ROWS, &[text("deploy", POLICIES)], &table).unwrap_err().to_string()
    };
    assert!(refused("secret.read", "secret.raed").contains("expectation 2"));
    assert!(refused("{ repository =", "{ repo =").contains("claim `repo` is not declared"));
    assert!(
        refused("claims = { repository = \"acme/shop\"", "claims = { repository = 1")
            .contains("not of its declared type")
    );
    assert!(refused("issuer = \"github\"\nrole", "role").contains("either `issuer` or `authority`"));
}

#[test]
fn explain_says_what_came_of_each_statement() {
    let policies = compile(
        r#"@id("yes") permit(principal in Role::"deploy", action == Action::"secret.read", resource);
           @id("action") permit(principal, action == Action::"secret.write", resource);
           @id("principal") permit(principal in Role::"x", action, resource);
           @id("resource") permit(principal, action, resource in Folder::"x");
           @id("when") forbid(principal, action, resource) when { principal.subject == "x" };"#,
    );
    let subject = Subject::of(policies.schema(), &caller(Some("deploy"), Scope::unlimited())).unwrap();
    let asked = Question { action: READ.action, kind: ResourceKind::Secret, name: "a", attributes: &[] };
    let explanation = explain(&policies, &subject, &asked);
    let found: Vec<_> = explanation.findings.iter().map(|(id, _, finding)| (id.as_str(), finding.clone())).collect();
    assert_eq!(
        found,
        [
            ("p#yes", Finding::Applies),
            ("p#when", Finding::Condition),
            ("p#action", Finding::Action),
            ("p#principal", Finding::Principal),
            ("p#resource", Finding::Resource),
        ]
    );
    assert_eq!(explanation.out_of_scope(), 3);
    assert_eq!(because(&explanation.verdict), "p#yes");
}

#[test]
fn the_examples_of_the_documentation_hold() {
    let page = include_str!("../../../docs/policies.md");
    let block = |language: &str| page.split_once(&format!("```{language}\n")).unwrap().1.split_once("```").unwrap().0;
    let report = run(ROWS, &[text("deploy", block("cedar"))], &Table::parse(block("toml")).unwrap()).unwrap();
    assert!(report.passed(), "{report:?}");
}

#[test]
fn a_question_about_a_caller_knows_its_tokens_scope() {
    let policies = compile("permit(principal, action, resource);");
    let narrowed = caller(Some("r"), Scope::new(vec!["a".parse().unwrap()], vec![]).unwrap());
    let ask = |resource: &str| {
        let asking = Asking { action: READ.action.to_owned(), resource: resource.to_owned(), ..Asking::default() };
        asking.explain_caller(&policies, &narrowed, ROWS).unwrap().verdict
    };
    assert!(ask("a/b").is_allow());
    assert_eq!(reason(&ask("b")), Denial::OutsideScope);
}

#[test]
fn a_table_is_run_against_policies_in_force_with_the_issuers_that_are_registered() {
    let table = Table::parse(&TABLE.replace("[issuers.github]\nrepository = \"text\"", "")).unwrap();
    let policies = Policies::compile(schema(), &[text("deploy", POLICIES)], 1).unwrap();
    assert!(run_on(&policies, &declarations(), &table).unwrap().passed());
    assert!(run_on(&policies, &Declarations::new(), &table).is_err());
}
