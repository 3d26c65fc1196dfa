use keyward_api::v1::{
    DeletePolicyRequest, DescribedPrincipal, ExplainPolicyRequest, GetPolicyRequest, ListPoliciesRequest, Policy,
    PutPolicyRequest, StatementFinding, TestPoliciesRequest, TypedValue, typed_value::Value,
};
use keyward_testbed::CiTokens;
use serde_json::json;
use tonic::Code;

use super::{ci, log_in, policies, put_issuer, put_policy, put_role, token};
use crate::support::{Keyward, broker, field, reason};

const READ: &str =
    r#"permit (principal in Role::"deploy", action == Action::"secret.read", resource in Folder::"prod");"#;
const TAKE: &str =
    r#"@id("take") permit (principal in Issuer::"ci", action == Action::"assume", resource == Role::"deploy");"#;

#[tokio::test]
async fn a_policy_is_written_shown_and_removed() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let written = put_policy(&operator, "deploy", READ).await.unwrap();
    assert_eq!((written.name.as_str(), written.text.as_str()), ("deploy", READ));
    let get = GetPolicyRequest { name: "deploy".to_owned() };
    assert_eq!(policies(&operator).get_policy(get.clone()).await.unwrap().into_inner().policy, Some(written));
    let page = policies(&operator).list_policies(ListPoliciesRequest { page_size: 1, page_token: String::new() }).await;
    let page = page.unwrap().into_inner();
    assert_eq!((page.policies[0].name.as_str(), page.policies[0].text.as_str()), ("deploy", ""));
    let rest = ListPoliciesRequest { page_size: 1_000, page_token: page.next_page_token };
    let rest = policies(&operator).list_policies(rest).await.unwrap().into_inner();
    assert_eq!(rest.policies.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>(), ["operator"]);
    let delete = DeletePolicyRequest { name: "deploy".to_owned(), force: false };
    policies(&operator).delete_policy(delete.clone()).await.unwrap();
    assert_eq!(policies(&operator).get_policy(get).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(policies(&operator).delete_policy(delete).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn an_invalid_policy_is_refused_with_line_and_column() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    for (text, place) in [
        ("permit (\n  principal, action == Action::\"secret.raed\", resource);", "line 2, column"),
        ("permit (principal, action, resource)\n", "line "),
        ("permit (principal, action, resource) when { principal.claims has nothing };", "line 1, column"),
    ] {
        let refused = put_policy(&operator, "bad", text).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "text"));
        assert!(refused.message().contains("policy `bad`") && refused.message().contains(place), "{refused:?}");
    }
    for name in ["", "..", "a/b", "a b", "e\u{301}", &"x".repeat(10_000)] {
        let refused = put_policy(&operator, name, READ).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "name"), "{name}");
    }
}

#[tokio::test]
async fn a_change_that_leaves_no_one_able_to_write_policies_is_refused_unless_forced() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let delete = |force| DeletePolicyRequest { name: "operator".to_owned(), force };
    assert_eq!(reason(&policies(&operator).delete_policy(delete(false)).await.unwrap_err()), "LOCK_OUT");
    let forbid = r#"forbid (principal, action == Action::"policy.write", resource);"#;
    assert_eq!(reason(&put_policy(&operator, "never", forbid).await.unwrap_err()), "LOCK_OUT");
    put_policy(&operator, "other", READ).await.expect("nothing was changed by the refused ones");
    let request = PutPolicyRequest { name: "never".to_owned(), text: forbid.to_owned(), force: true };
    policies(&operator).put_policy(request).await.expect("forced");
    assert_eq!(put_policy(&operator, "other", READ).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn who_may_not_know_gets_the_same_answer_whether_a_policy_exists_or_not() {
    let (broker, tokens) = (broker().start().await, CiTokens::start().await);
    let operator = broker.operator().await;
    put_issuer(&operator, ci(&tokens)).await.unwrap();
    put_role(&operator, "deploy").await;
    put_policy(&operator, "deploy", TAKE).await.unwrap();
    let job = log_in(&broker, "deploy", token(&tokens, &json!({}))).await.unwrap();
    let get =
        async |name: &str| policies(&job).get_policy(GetPolicyRequest { name: name.to_owned() }).await.unwrap_err();
    let (there, absent) = (get("deploy").await, get("nothing").await);
    assert_eq!((there.code(), there.message(), there.details()), (absent.code(), absent.message(), absent.details()));
    assert_eq!(there.code(), Code::PermissionDenied);
    assert_eq!(put_policy(&job, "deploy", TAKE).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn explain_says_which_statements_decide_and_why_the_others_do_not() {
    let (broker, tokens) = (broker().start().await, CiTokens::start().await);
    let operator = broker.operator().await;
    put_issuer(&operator, ci(&tokens)).await.unwrap();
    put_policy(&operator, "read", READ).await.unwrap();
    let take = TAKE
        .replace(");", r#") when { principal.claims has repository && principal.claims.repository == "acme/shop" };"#);
    put_policy(&operator, "take", &take).await.unwrap();
    let text = |text: &str| TypedValue { value: Some(Value::Text(text.to_owned())) };
    let principal = |repository: &str| DescribedPrincipal {
        issuer: "ci".to_owned(),
        subject: "job".to_owned(),
        claims: [("repository".to_owned(), text(repository))].into(),
        ..DescribedPrincipal::default()
    };
    let ask = async |principal, action: &str, resource: &str| {
        let (action, resource) = (action.to_owned(), resource.to_owned());
        let request = ExplainPolicyRequest { principal, action, resource, ..ExplainPolicyRequest::default() };
        policies(&operator).explain_policy(request).await.map(|answer| answer.into_inner().explanation.unwrap())
    };
    let yes = ask(Some(principal("acme/shop")), "assume", "deploy").await.unwrap();
    assert_eq!((yes.allowed, yes.because), (true, vec!["take#take".to_owned()]));
    let no = ask(Some(principal("acme/other")), "assume", "deploy").await.unwrap();
    assert_eq!((no.allowed, no.reason.as_str()), (false, "no policy permits it"));
    let finding = |id: &str| no.statements.iter().find(|s| s.id == id).unwrap().finding();
    assert_eq!(finding("take#take"), StatementFinding::Condition);
    assert_eq!(finding("operator#everything"), StatementFinding::Principal);
    assert_eq!(finding("read#0"), StatementFinding::Action);
    let own = ask(None, "secret.read", "any/thing").await.unwrap();
    assert_eq!((own.allowed, own.because), (true, vec!["operator#everything".to_owned()]));
    let senseless = ask(None, "secret.raed", "x").await.unwrap_err();
    assert_eq!(senseless.code(), Code::InvalidArgument);
}

const TABLE: &str = r#"
[issuers.ci]
repository = "text"

[[expect]]
name = "deploy reads prod"
issuer = "ci"
role = "deploy"
action = "secret.read"
resource = "prod/db"
result = "allow"
because = ["read#0"]

[[expect]]
name = "and nothing else"
issuer = "ci"
role = "deploy"
action = "secret.read"
resource = "dev/db"
result = "deny"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_expectations_is_tested_with_and_without_a_broker() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    let file = |name: &str, text: &str| std::fs::write(keyward.home().join(name), text).unwrap();
    file("table.toml", TABLE);
    file("read.cedar", READ);
    file("wide.cedar", &READ.replace("prod", "/"));
    let alone = Keyward::alone();
    let at = |name: &str| keyward.home().join(name).display().to_string();
    let (table, read, wide) = (at("table.toml"), at("read.cedar"), at("wide.cedar"));
    alone.ok(&["policy", "test", &table, "--offline", &read]);
    let failed = alone.run(&["policy", "test", &table, "--offline", &read, &wide]);
    assert_eq!(failed.code(), 1, "{failed:?}");
    assert!(failed.stdout.contains("expected deny, got allow"), "{failed:?}");
    let unmet = keyward.run(&["policy", "test", &table]);
    assert_eq!(unmet.code(), 1, "{unmet:?}");
    keyward.ok(&["policy", "test", &table, "--with", &read]);
    keyward.ok(&["policy", "put", "read", &read]);
    keyward.ok(&["policy", "test", &table]);
    let explained =
        keyward.json(&["policy", "explain", "secret.read", "prod/db", "--issuer", "ci", "--role", "deploy"]);
    assert_eq!((&explained["allowed"], &explained["because"]), (&json!(true), &json!(["read#0"])));
    assert_eq!(keyward.ok(&["policy", "get", "read"]).trim(), READ);
    let bad = keyward.run_with(&["policy", "put", "bad", "-"], "permit (principal, action, resource)\nwhen { 1 };");
    assert!(bad.code() == 2 && bad.stderr.contains("policy `bad`, line"), "{bad:?}");
}

#[tokio::test]
async fn a_table_is_tested_against_what_is_in_force_and_against_what_would_be() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let test = async |table: &str, text: &str, only_these| {
        let tried = Policy { name: "read".to_owned(), text: text.to_owned(), updated_at: None };
        let policies_tried = if text.is_empty() { Vec::new() } else { vec![tried] };
        let request = TestPoliciesRequest { table: table.to_owned(), policies: policies_tried, only_these };
        policies(&operator).test_policies(request).await.map(tonic::Response::into_inner)
    };
    let in_force = test(TABLE, "", false).await.unwrap();
    let met: Vec<_> = in_force.outcomes.iter().map(|outcome| outcome.differs.is_empty()).collect();
    assert_eq!((in_force.passed, met), (false, vec![false, true]), "{in_force:?}");
    let with = test(TABLE, READ, false).await.unwrap();
    assert!(with.passed && with.outcomes[0].name == "deploy reads prod", "{with:?}");
    assert_eq!(with.outcomes[0].explanation.as_ref().unwrap().because, ["read#0"]);
    assert!(test(TABLE, READ, true).await.unwrap().passed, "without the operators' policy");
    assert!(!test(TABLE, &READ.replace("prod", "/"), false).await.unwrap().passed);
    let get = GetPolicyRequest { name: "read".to_owned() };
    assert_eq!(policies(&operator).get_policy(get).await.unwrap_err().code(), Code::NotFound, "nothing was written");
    for (table, text, blamed) in
        [("[[expect", READ, "table"), ("x = 1", READ, "table"), (TABLE, "permit (", "policies")]
    {
        let refused = test(table, text, false).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, blamed), "{refused:?}");
    }
}
