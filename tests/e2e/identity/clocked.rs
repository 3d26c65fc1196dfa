//! What ends by the clock: bootstrap tokens after an hour, and the calm after a backup after a day.

use keyward_api::v1::{
    AuditPhase, CreateBackupRequest, GetStatusRequest, RecoverRequest, RedeemBootstrapTokenRequest, TailAuditRequest,
    audit_service_client::AuditServiceClient, backup_service_client::BackupServiceClient,
};
use keyward_sdk::time::{Clock, ManualClock, Span, SystemClock};
use keyward_testbed::wait_until;
use tonic::{Code, Status};

use crate::support::{Broker, Caller, Timed, broker, reason};

async fn redeem(caller: &Caller, bootstrap_token: &str) -> Result<(), Status> {
    let request = RedeemBootstrapTokenRequest { bootstrap_token: bootstrap_token.to_owned() };
    caller.auth().redeem_bootstrap_token(request).await.map(drop)
}

async fn recover(broker: &Broker) -> String {
    let answer = broker.socket().await.seal().recover(RecoverRequest::default()).await;
    answer.unwrap().into_inner().operator_token
}

#[tokio::test]
async fn the_token_of_recover_and_of_a_new_tenant_serve_for_an_hour() {
    let timed = Timed::start().await;
    let local = timed.broker.socket().await;
    let tokens = [recover(&timed.broker).await, timed.broker.new_tenant("one").await];
    let late = [recover(&timed.broker).await, timed.broker.new_tenant("two").await];
    timed.clock.advance(Span::from_minutes(59));
    for token in &tokens {
        redeem(&local, token).await.expect("within the hour");
    }
    // No job has swept them away: their time alone is over.
    timed.clock.advance(Span::from_minutes(1));
    for token in &late {
        let refused = redeem(&local, token).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "BOOTSTRAP_TOKEN_UNKNOWN"));
    }
}

#[tokio::test]
async fn the_token_of_init_serves_for_an_hour() {
    for (after, serves) in [(59, true), (60, false)] {
        let clock = ManualClock::at(SystemClock.now());
        let broker = broker().clock(clock.clone()).start_empty().await;
        let file = broker.folder().join("seal.key").display().to_string();
        let settings = [("path".to_owned(), file)].into();
        let member = keyward_api::v1::SealMember { name: "key-file".to_owned(), kind: "key-file".to_owned(), settings };
        let path = keyward_api::v1::SealPath { name: "auto".to_owned(), threshold: 1, members: vec![member] };
        let local = broker.socket().await;
        let request = keyward_api::v1::InitializeRequest { paths: vec![path] };
        let made = local.seal().initialize(request).await.unwrap().into_inner();
        clock.advance(Span::from_minutes(after));
        let redeemed = redeem(&local, &made.operator_token).await;
        assert_eq!(redeemed.is_ok(), serves, "after {after} minutes: {redeemed:?}");
    }
}

#[tokio::test]
async fn a_recovery_is_in_the_audit_log_with_where_it_came_from() {
    let broker = broker().start().await;
    recover(&broker).await;
    let refused = broker.caller().connect().await.seal().recover(RecoverRequest::default()).await;
    assert_eq!(reason(&refused.unwrap_err()), "NOT_LOCAL");
    let operator = broker.operator().await;
    let request = TailAuditRequest { method: "Recover".to_owned(), ..TailAuditRequest::default() };
    let mut stream = AuditServiceClient::new(operator.client()).tail_audit(request).await.unwrap().into_inner();
    let mut records = Vec::new();
    while let Some(answer) = stream.message().await.unwrap() {
        records.push(answer.record.unwrap());
    }
    assert!(records.iter().all(|record| record.method == "keyward.v1.SealService/Recover"), "{records:?}");
    let done: Vec<_> =
        records.iter().filter(|record| record.outcome.as_ref().is_some_and(|came| came.code == 0)).collect();
    assert_eq!(done.len(), 1, "{records:?}");
    assert!(done[0].peer.starts_with("unix:"), "{:?}", done[0]);
    let intended =
        records.iter().any(|record| record.phase() == AuditPhase::Intent && record.peer.starts_with("unix:"));
    assert!(intended, "it is in the log before it is done: {records:?}");
    let failed = records.iter().filter_map(|record| record.outcome.as_ref()).any(|came| came.reason == "NOT_LOCAL");
    assert!(failed, "and so is the try that failed: {records:?}");
}

async fn warned(timed: &Timed) -> Option<String> {
    let status = timed.operator().await.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
    status.warnings.into_iter().find(|warning| warning.contains("no backup is younger than 24 hours"))
}

#[tokio::test]
async fn the_status_warns_when_the_last_backup_is_a_day_old() {
    let timed = Timed::start().await;
    assert!(warned(&timed).await.unwrap().contains("there is none"));
    let operator = timed.operator().await;
    let made = BackupServiceClient::new(operator.client()).create_backup(CreateBackupRequest {}).await;
    let mut parts = made.unwrap().into_inner();
    while parts.message().await.unwrap().is_some() {}
    wait_until("the backup is remembered", async || warned(&timed).await.is_none()).await;
    timed.clock.advance(Span::from_minutes(24 * 60 - 1));
    assert_eq!(warned(&timed).await, None);
    timed.clock.advance(Span::from_minutes(1));
    assert!(warned(&timed).await.unwrap().contains("the last is of "));
}
