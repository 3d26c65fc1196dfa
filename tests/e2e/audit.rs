//! The audit log over the API: who sees what, when a stream ends, and what proves that nothing was changed.

use std::time::Duration;

use keyward_api::v1::{
    AttenuateRequest, AuditRecord, CreateTenantRequest, DeletePolicyRequest, GetAuditRecordRequest,
    GetCheckpointRequest, ListAuditLogsRequest, LoginRequest, PutPolicyRequest, PutRoleRequest,
    RedeemBootstrapTokenRequest, RevokeRequest, Role, SealRequest, TailAuditRequest, TailAuditResponse, WhoAmIRequest,
    audit_service_client::AuditServiceClient, policy_service_client::PolicyServiceClient, revoke_request::What,
    role_service_client::RoleServiceClient,
};
use keyward_kit::audit::{Checkpoint, Verifier, checkpoint::check_proof, tree::leaf_hash};
use tonic::{Code, Status, Streaming};

use crate::support::{Broker, Caller, Client, Key, broker, reason};

/// Long enough for any machine; a stream that ends comes much sooner.
const PATIENCE: Duration = Duration::from_secs(20);

fn audit(caller: &Caller) -> AuditServiceClient<Client> {
    AuditServiceClient::new(caller.client())
}

async fn follow(caller: &Caller) -> Streaming<TailAuditResponse> {
    let request = TailAuditRequest { follow: true, ..TailAuditRequest::default() };
    let mut records = audit(caller).tail_audit(request).await.expect("the stream begins").into_inner();
    records.message().await.expect("a record comes").expect("the stream goes on");
    records
}

/// Reads on until the stream ends, and says why it did.
async fn end(mut records: Streaming<TailAuditResponse>) -> Status {
    let ended = async {
        loop {
            match records.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ends without a reason"),
                Err(status) => return status,
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the stream ends")
}

async fn all(caller: &Caller, request: TailAuditRequest) -> Vec<AuditRecord> {
    let mut records = audit(caller).tail_audit(request).await.expect("the stream begins").into_inner();
    let mut out = Vec::new();
    while let Some(answer) = records.message().await.expect("the stream ends in order") {
        out.push(answer.record.unwrap());
    }
    out
}

async fn narrowed(broker: &Broker, life: Duration) -> (Caller, String) {
    let request = AttenuateRequest { scope: None, life: Some(life.try_into().unwrap()) };
    let token = broker.operator().await.auth().attenuate(request).await.unwrap().into_inner().token.unwrap();
    let (key, _) = broker.operator_proof();
    (broker.caller().key(key).token(&token.token).connect().await, token.id)
}

/// The operator of another tenant.
async fn other(broker: &Broker) -> Caller {
    let request = CreateTenantRequest { name: "other".to_owned(), description: String::new() };
    let made = broker.operator().await.tenants().create_tenant(request).await.unwrap().into_inner();
    let key = Key::make();
    let caller = broker.caller().key(&key).connect().await;
    let request = RedeemBootstrapTokenRequest { bootstrap_token: made.operator_token };
    let token = caller.auth().redeem_bootstrap_token(request).await.unwrap().into_inner().token.unwrap();
    caller.token(&token.token)
}

#[tokio::test]
async fn a_tail_that_follows_shows_new_records_and_takes_only_what_fits() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let request = TailAuditRequest { follow: true, method: "WhoAmI".to_owned(), ..TailAuditRequest::default() };
    let mut records = audit(&operator).tail_audit(request).await.unwrap().into_inner();
    operator.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
    let record = tokio::time::timeout(PATIENCE, records.message()).await.unwrap().unwrap().unwrap().record.unwrap();
    assert_eq!(record.method, "keyward.v1.AuthService/WhoAmI");
    assert_eq!((record.tenant.as_str(), record.role.as_str()), ("main", "operator"));
    assert_eq!(record.outcome.unwrap().code, 0);
    let last = TailAuditRequest { last: 2, ..TailAuditRequest::default() };
    assert_eq!(all(&operator, last).await.len(), 2);
    let since = Some(prost_types::Timestamp { seconds: 32_503_680_000, nanos: 0 });
    assert!(all(&operator, TailAuditRequest { since, ..TailAuditRequest::default() }).await.is_empty());
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked_or_expires() {
    let broker = broker().start().await;
    let (caller, id) = narrowed(&broker, Duration::from_secs(60)).await;
    let records = follow(&caller).await;
    let request = RevokeRequest { what: Some(What::TokenId(id)), issued_before: None };
    broker.operator().await.auth().revoke(request).await.unwrap();
    let ended = end(records).await;
    assert_eq!((ended.code(), reason(&ended)), (Code::Unauthenticated, "TOKEN_REVOKED".to_owned()));
    let (caller, _) = narrowed(&broker, Duration::from_secs(2)).await;
    let ended = end(follow(&caller).await).await;
    assert_eq!((ended.code(), reason(&ended)), (Code::Unauthenticated, "TOKEN_EXPIRED".to_owned()));
}

#[tokio::test]
async fn a_stream_ends_when_policy_forbids_it_and_when_the_broker_is_sealed() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let role = Role { name: "auditor".to_owned(), bearer: true, ..Role::default() };
    RoleServiceClient::new(operator.client())
        .put_role(PutRoleRequest { role: Some(role), force: false })
        .await
        .unwrap();
    let mut policies = PolicyServiceClient::new(operator.client());
    for (name, text) in [
        ("auditors", r#"@id("assume") permit (principal, action == Action::"assume", resource == Role::"auditor");"#),
        ("audit", r#"@id("read") permit (principal in Role::"auditor", action == Action::"audit.read", resource);"#),
    ] {
        let request = PutPolicyRequest { name: name.to_owned(), text: text.to_owned(), force: false };
        policies.put_policy(request).await.unwrap();
    }
    let socket = broker.socket().await;
    let request = LoginRequest { role: "auditor".to_owned(), ..LoginRequest::default() };
    let token = socket.auth().login(request).await.unwrap().into_inner().token.unwrap().token;
    let records = follow(&socket.token(&token)).await;
    policies.delete_policy(DeletePolicyRequest { name: "audit".to_owned(), force: false }).await.unwrap();
    assert_eq!(end(records).await.code(), Code::PermissionDenied);
    let records = follow(&operator).await;
    operator.seal().seal(SealRequest {}).await.unwrap();
    let ended = end(records).await;
    assert_eq!((ended.code(), reason(&ended)), (Code::Unavailable, "SEALED".to_owned()));
}

#[tokio::test]
async fn a_stream_does_not_hold_up_the_end_of_the_daemon() {
    let mut broker = broker().config(|config| config.grace = Duration::from_secs(3_600)).start().await;
    let records = follow(&broker.operator().await).await;
    let (_, ended) = tokio::join!(broker.stop(), end(records));
    assert_eq!(ended.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_tenant_sees_its_own_records_and_main_sees_all() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let other = other(&broker).await;
    other.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
    let seen = all(&other, TailAuditRequest::default()).await;
    assert!(!seen.is_empty() && seen.iter().all(|record| record.tenant == "other"), "{seen:?}");
    for tenant in ["main", "nowhere"] {
        let request = TailAuditRequest { tenant: tenant.to_owned(), ..TailAuditRequest::default() };
        assert_eq!(audit(&other).tail_audit(request).await.unwrap_err().code(), Code::PermissionDenied, "{tenant}");
    }
    let everything = all(&operator, TailAuditRequest::default()).await;
    assert!(everything.iter().any(|record| record.tenant == "main"));
    assert!(everything.iter().any(|record| record.tenant == "other"));
    let only = TailAuditRequest { tenant: "other".to_owned(), ..TailAuditRequest::default() };
    assert!(all(&operator, only).await.iter().all(|record| record.tenant == "other"));
    let foreign = everything.iter().find(|record| record.tenant == "main").unwrap();
    let ask = |sequence| GetAuditRecordRequest { origin: foreign.origin.clone(), sequence, proof: true };
    let there = audit(&other).get_audit_record(ask(foreign.sequence)).await.unwrap_err();
    let not_there = audit(&other).get_audit_record(ask(1_000_000)).await.unwrap_err();
    assert_eq!((there.code(), reason(&there)), (not_there.code(), reason(&not_there)));
    let mine = seen.first().unwrap().sequence;
    audit(&other).get_audit_record(ask(mine)).await.unwrap();
    assert_eq!(audit(&other).list_audit_logs(ListAuditLogsRequest {}).await.unwrap().into_inner().folder, "");
}

#[tokio::test]
async fn one_record_comes_with_a_proof_that_holds_for_it_alone() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let newest = all(&operator, TailAuditRequest { last: 1, ..TailAuditRequest::default() }).await.remove(0);
    let request = GetAuditRecordRequest { origin: String::new(), sequence: newest.sequence, proof: true };
    let shown = audit(&operator).get_audit_record(request).await.unwrap().into_inner();
    assert_eq!(shown.record.unwrap(), newest);
    let logs = audit(&operator).list_audit_logs(ListAuditLogsRequest {}).await.unwrap().into_inner().logs;
    let log = logs.iter().find(|log| log.current).unwrap();
    assert_eq!((&log.origin, &log.verifier), (&newest.origin, &shown.verifier));
    let verifier = Verifier::parse(&log.verifier).unwrap();
    let leaf = leaf_hash(&shown.previous, &shown.raw);
    let checkpoint = check_proof(&shown.proof, leaf, &verifier).unwrap();
    assert!(checkpoint.size > newest.sequence);
    let mut changed = shown.raw.to_vec();
    changed[40] ^= 1;
    assert!(check_proof(&shown.proof, leaf_hash(&shown.previous, &changed), &verifier).is_err());
    let latest = audit(&operator).get_checkpoint(GetCheckpointRequest::default()).await.unwrap().into_inner();
    assert!(Checkpoint::open(&latest.checkpoint, &verifier).unwrap().size >= checkpoint.size);
}

#[tokio::test]
async fn what_strangers_send_and_cannot_prove_is_counted_and_does_not_fill_the_log() {
    let broker = broker().start().await;
    let stranger = broker.caller().key(&Key::make()).connect().await;
    for n in 0..200 {
        let redeem = RedeemBootstrapTokenRequest { bootstrap_token: format!("kwb1.{n}") };
        let refused = stranger.auth().redeem_bootstrap_token(redeem).await.unwrap_err();
        assert_eq!(reason(&refused), "BOOTSTRAP_TOKEN_UNKNOWN");
        let login = LoginRequest { role: "deploy".to_owned(), ..LoginRequest::default() };
        assert_eq!(stranger.auth().login(login).await.unwrap_err().code(), Code::Unauthenticated);
    }
    // The budget is one of each second; what is left of the last comes with the next look.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let operator = broker.operator().await;
    let records = all(&operator, TailAuditRequest { since: None, ..TailAuditRequest::default() }).await;
    let of = |method: &str| records.iter().filter(|record| record.method.ends_with(method)).count();
    let (of_strangers, noise) = (of("/Login") + of("/RedeemBootstrapToken"), of("audit.unidentified"));
    assert!(of_strangers < 100, "{of_strangers} records for 400 calls that proved nothing");
    assert!(noise > 0, "they are counted");
}
