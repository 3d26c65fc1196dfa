//! A stream ends when the rights by which it was begun do: also when nothing comes on it.

use keyward_api::v1::{
    DeleteIssuerRequest, DeleteRoleRequest, PutRoleRequest, Role, Scope, SuspendTenantRequest, TailAuditRequest,
    TailAuditResponse, audit_service_client::AuditServiceClient,
};
use keyward_testbed::CiTokens;
use tonic::{Code, Status, Streaming};

use crate::support::{Broker, Caller, broker, reason};

async fn follow(caller: &Caller) -> Streaming<TailAuditResponse> {
    let request = TailAuditRequest { follow: true, last: 1, ..TailAuditRequest::default() };
    let begun = AuditServiceClient::new(caller.client()).tail_audit(request).await;
    let mut records = begun.expect("the stream begins").into_inner();
    records.message().await.expect("a record comes").expect("the stream goes on");
    records
}

/// Reads on until the stream ends, and says why it did.
async fn end(mut records: Streaming<TailAuditResponse>) -> Status {
    let ended = async {
        loop {
            match records.message().await {
                Ok(record) => assert!(record.is_some(), "the stream ends with a reason"),
                Err(status) => return status,
            }
        }
    };
    // Much longer than it takes.
    tokio::time::timeout(std::time::Duration::from_secs(60), ended).await.expect("the stream ends")
}

/// A job that follows the log in a role of its own.
async fn auditor(broker: &Broker, ci: &CiTokens) -> Caller {
    broker.trust(ci).await;
    broker
        .role(
            "auditor",
            r#"permit (principal in Issuer::"github", action == Action::"assume", resource == Role::"auditor");
               permit (principal in Role::"auditor", action == Action::"audit.read", resource);"#,
        )
        .await;
    broker.job(ci, "auditor").await.0
}

#[tokio::test]
async fn a_stream_ends_with_its_role_and_when_the_role_is_narrowed() {
    let (broker, ci) = (broker().start().await, CiTokens::start().await);
    let job = auditor(&broker, &ci).await;
    let operator = broker.operator().await;
    let records = follow(&job).await;
    let scope = Some(Scope { paths: Vec::new(), actions: vec!["secret.read".to_owned()] });
    let narrowed = Role { name: "auditor".to_owned(), scope, ..Role::default() };
    operator.roles().put_role(PutRoleRequest { role: Some(narrowed), force: false }).await.unwrap();
    assert_eq!(end(records).await.code(), Code::PermissionDenied);
    let wide = Role { name: "auditor".to_owned(), ..Role::default() };
    operator.roles().put_role(PutRoleRequest { role: Some(wide), force: false }).await.unwrap();
    let records = follow(&job).await;
    operator.roles().delete_role(DeleteRoleRequest { name: "auditor".to_owned(), force: false }).await.unwrap();
    let ended = end(records).await;
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::Unauthenticated, "TOKEN_ROLE_GONE"));
}

#[tokio::test]
async fn a_stream_ends_with_the_issuer_that_vouched_for_its_caller() {
    let (broker, ci) = (broker().start().await, CiTokens::start().await);
    let job = auditor(&broker, &ci).await;
    let records = follow(&job).await;
    let delete = DeleteIssuerRequest { name: "github".to_owned(), force: true };
    broker.operator().await.issuers().delete_issuer(delete).await.unwrap();
    let ended = end(records).await;
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::Unauthenticated, "TOKEN_REVOKED"));
}

#[tokio::test]
async fn a_stream_ends_with_its_tenant() {
    let broker = broker().start().await;
    let other = broker.tenant("other").await;
    let records = follow(&other).await;
    let suspend = SuspendTenantRequest { name: "other".to_owned() };
    broker.operator().await.tenants().suspend_tenant(suspend).await.unwrap();
    assert_eq!(end(records).await.code(), Code::PermissionDenied);
}
