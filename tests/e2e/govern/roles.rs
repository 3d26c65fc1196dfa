use keyward_api::v1::{
    DeleteRoleRequest, GetRoleRequest, ListRolesRequest, PutRoleRequest, Role, Scope, WhoAmIRequest,
};
use keyward_testbed::CiTokens;
use serde_json::json;
use tonic::Code;

use super::{ci, log_in, put_issuer, put_policy, put_role, roles, token};
use crate::support::{Keyward, broker, field, reason};

const TAKE: &str = r#"permit (principal in Issuer::"ci", action == Action::"assume", resource == Role::"deploy");"#;

#[tokio::test]
async fn a_role_is_made_shown_and_checked() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    put_role(&operator, "deploy").await;
    let get = GetRoleRequest { name: "deploy".to_owned() };
    let role = roles(&operator).get_role(get).await.unwrap().into_inner().role.unwrap();
    assert_eq!((role.max_life.unwrap().seconds, role.bearer), (15 * 60, false));
    let listed = roles(&operator).list_roles(ListRolesRequest::default()).await.unwrap().into_inner().roles;
    assert_eq!(listed.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(), ["deploy", "operator"]);
    let put = async |role: Role| {
        roles(&operator).put_role(PutRoleRequest { role: Some(role), force: false }).await.unwrap_err()
    };
    let named = |name: &str| Role { name: name.to_owned(), ..Role::default() };
    let hours = |hours: i64| Some(prost_types::Duration { seconds: hours * 3_600, nanos: 0 });
    assert_eq!(field(&put(named("../x")).await), "role.name");
    assert_eq!(field(&put(Role { max_life: hours(25), ..named("r") }).await), "role.max_life");
    assert_eq!(field(&put(Role { max_life: hours(0), ..named("r") }).await), "role.max_life");
    let scope = Some(Scope { paths: vec!["a/..".to_owned()], actions: vec![] });
    assert_eq!(field(&put(Role { scope, ..named("r") }).await), "scope.paths");
}

#[tokio::test]
async fn tokens_of_a_deleted_role_stay_refused_when_it_is_made_again() {
    let (broker, tokens) = (broker().start().await, CiTokens::start().await);
    let operator = broker.operator().await;
    put_issuer(&operator, ci(&tokens)).await.unwrap();
    put_role(&operator, "deploy").await;
    put_policy(&operator, "deploy", TAKE).await.unwrap();
    let job = log_in(&broker, "deploy", token(&tokens, &json!({}))).await.unwrap();
    job.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
    let delete = DeleteRoleRequest { name: "deploy".to_owned(), force: false };
    roles(&operator).delete_role(delete).await.unwrap();
    let gone = job.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err();
    assert_eq!((gone.code(), reason(&gone).as_str()), (Code::Unauthenticated, "TOKEN_ROLE_GONE"));
    put_role(&operator, "deploy").await;
    let still = job.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(reason(&still), "TOKEN_REVOKED");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_managed_from_the_shell() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    let role = keyward.json(&["role", "put", "deploy", "--ttl", "30m", "--path", "prod", "--description", "for jobs"]);
    assert_eq!((&role["ttl"], &role["bearer"], &role["paths"]), (&json!("30m"), &json!(false), &json!(["prod"])));
    assert_eq!(keyward.json(&["role", "get", "deploy"]), role);
    assert_eq!(keyward.json(&["role", "list"]).as_array().unwrap().len(), 2);
    keyward.ok(&["role", "delete", "deploy"]);
    assert_eq!(keyward.run(&["role", "get", "deploy"]).code(), 4);
}
