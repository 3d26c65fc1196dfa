//! What is seen when the audit log cannot be written, and after it can again.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use keyward_sdk::secret::Secret;
use tokio::time::Instant;
use tonic::Code;
use tonic_types::StatusExt;

use super::{Bench, get, put};
use crate::{
    engine::{
        SealState,
        auth::{Revoke, RevokeWhat},
        crypto::{Decrypt, Encrypt},
        key::{CreateKey, KeyType, Origin, SetKeyVersionState, Settable},
        system::Seal,
    },
    grpc::status,
    pipeline::{Refusal, recover, settle_owed},
};

const SHORT: Duration = Duration::from_millis(300);

fn seen<T>(answer: Result<T, Refusal>) -> (Code, String) {
    let status = answer.map(drop).map_err(|refusal| status::of(&refusal)).unwrap_err();
    (status.code(), status.get_error_details().error_info().unwrap().reason.clone())
}

fn key() -> CreateKey {
    CreateKey {
        path: "app".parse().unwrap(),
        kind: KeyType::Aes256Gcm,
        origin: Origin::Generated,
        uses: [].into(),
        exportable: false,
        rotation_period: None,
        deletion_protection: false,
        labels: [].into(),
    }
}

fn unavailable() -> (Code, String) {
    (Code::Unavailable, "AUDIT_UNAVAILABLE".to_owned())
}

fn until_soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[tokio::test]
async fn a_hanging_audit_disk_fails_requests_in_time_does_nothing_and_recovers_by_itself() {
    let bench = Bench::start().await;
    let _ = bench.pipeline.run(&bench.soon(), put("before")).await.unwrap();
    bench.faults.hang(true);
    assert_eq!(seen(bench.pipeline.run(&bench.facts(SHORT, None), put("hung")).await), unavailable());
    assert_eq!(seen(bench.pipeline.run(&bench.facts(SHORT, None), get("before")).await), unavailable());
    bench.faults.hang(false);
    let _ = bench.pipeline.run(&bench.soon(), get("before")).await.unwrap();
    let refused = seen(bench.pipeline.run(&bench.soon(), get("hung")).await);
    assert_eq!(refused, (Code::NotFound, "NOT_FOUND".to_owned()), "what could not be recorded was not done");
}

#[tokio::test]
async fn on_a_full_audit_disk_only_revoke_disable_and_seal_work_and_the_rest_recovers_by_itself() {
    let bench = Bench::start().await;
    let _ = bench.pipeline.run(&bench.soon(), put("before")).await.unwrap();
    let _ = bench.pipeline.run(&bench.soon(), key()).await.unwrap();
    bench.faults.full.store(true, Ordering::SeqCst);
    // What was taken ahead is used up first.
    let refused = loop {
        if let Err(refusal) = bench.pipeline.run(&bench.soon(), get("before")).await {
            break refusal;
        }
    };
    assert_eq!(seen::<()>(Err(refused)), unavailable());
    assert_eq!(seen(bench.pipeline.run(&bench.soon(), put("refused")).await), unavailable());
    let revoke = Revoke { what: RevokeWhat::Role("nobody".parse().unwrap()), issued_before: None };
    let _ = bench.pipeline.run(&bench.soon(), revoke).await.unwrap();
    let state = |state| SetKeyVersionState { path: "app".parse().unwrap(), version: 1, state };
    let _ = bench.pipeline.run(&bench.soon(), state(Settable::Disabled)).await.unwrap();
    assert_eq!(seen(bench.pipeline.run(&bench.soon(), state(Settable::Enabled)).await), unavailable());
    assert!(!bench.pipeline.lifecycle().audit_warnings().is_empty());
    let _ = bench.pipeline.run(&bench.soon(), Seal).await.unwrap();
    assert_eq!(bench.pipeline.lifecycle().state().await.unwrap(), SealState::Sealed);
    bench.faults.full.store(false, Ordering::SeqCst);
    bench.pipeline.lifecycle().open_by_itself().await.unwrap();
    let _ = bench.pipeline.run(&bench.soon(), put("after")).await.unwrap();
    assert_eq!(bench.told("keyward.v1.AuthService/Revoke").len(), 2);
    assert_eq!(bench.told("keyward.v1.SealService/Seal").len(), 2);
    assert!(bench.pipeline.lifecycle().audit_warnings().is_empty());
}

#[tokio::test]
async fn an_outcome_that_could_not_be_recorded_stands_and_a_retry_returns_it() {
    let bench = Bench::start().await;
    let id = Some("0123456789abcdef0123456789abcdef");
    bench.store.breaks.store(true, Ordering::SeqCst);
    let refused = seen(bench.pipeline.run(&bench.facts(SHORT, id), put("once")).await);
    assert_eq!(refused, (Code::Unavailable, "OUTCOME_UNRECORDED".to_owned()));
    bench.faults.broken.store(false, Ordering::SeqCst);
    let again = bench.pipeline.run(&bench.facts(Duration::from_secs(20), id), put("once")).await.unwrap();
    assert_eq!(again.into_reply().0.number, 1, "the first try's reply, and no second version");
    let read = bench.pipeline.run(&bench.soon(), get("once")).await.unwrap();
    assert_eq!(read.into_reply().version.number, 1);
    let world = bench.pipeline.lifecycle().world().unwrap();
    assert_eq!(settle_owed(&world, &bench.audit, until_soon()).await.unwrap(), 1);
    assert_eq!(settle_owed(&world, &bench.audit, until_soon()).await.unwrap(), 0);
    let told = bench.told("audit.settled");
    let intents = bench.told("keyward.v1.SecretService/PutSecret");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["details"]["intent"], intents[0]["sequence"].to_string());
}

#[tokio::test]
async fn what_a_crash_cuts_between_commit_and_outcome_is_recorded_at_the_next_start_once() {
    let bench = Bench::start().await;
    let _ = bench.pipeline.run(&bench.soon(), put("whole")).await.unwrap();
    bench.store.breaks.store(true, Ordering::SeqCst);
    let refused = seen(bench.pipeline.run(&bench.facts(SHORT, None), put("cut")).await);
    assert_eq!(refused.1, "OUTCOME_UNRECORDED");
    let cut = bench.told("keyward.v1.SecretService/PutSecret").pop().unwrap();
    let bench = bench.crash().await;
    let world = bench.pipeline.lifecycle().world().unwrap();
    // The promise of the first is still there as well, and its outcome is in the log already.
    assert_eq!(recover(&world, &bench.audit, until_soon()).await.unwrap(), 1);
    assert_eq!(recover(&world, &bench.audit, until_soon()).await.unwrap(), 0);
    let told = bench.told("audit.settled");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["details"]["intent"], cut["sequence"].to_string());
    assert_eq!(told[0]["details"]["result"], "done");
    let _ = bench.pipeline.run(&bench.soon(), get("cut")).await.unwrap();
}

#[tokio::test]
async fn records_hold_keyed_hashes_of_secret_values_and_never_the_values() {
    let bench = Bench::start().await;
    let _ = bench.pipeline.run(&bench.soon(), put("a")).await.unwrap();
    let _ = bench.pipeline.run(&bench.soon(), get("a")).await.unwrap();
    let written = bench.told("keyward.v1.SecretService/PutSecret");
    let read = bench.told("keyward.v1.SecretService/GetSecret");
    assert_eq!((written.len(), read.len()), (2, 1));
    let hash = &read[0]["hashes"]["password"];
    assert!(hash.is_string());
    assert!(written.iter().all(|record| &record["hashes"]["password"] == hash), "the same value, the same hash");
    assert!(!format!("{written:?}{read:?}").contains("marked-4711"));

    let _ = bench.pipeline.run(&bench.soon(), key()).await.unwrap();
    let plaintext = Arc::new(Secret::copy_of(b"marked-4711").unwrap());
    let encrypt = Encrypt { key: "app".parse().unwrap(), plaintext, aad: Bytes::new() };
    let sealed = bench.pipeline.run(&bench.soon(), encrypt).await.unwrap().into_reply();
    let decrypt =
        Decrypt { key: "app".parse().unwrap(), ciphertext: sealed.ciphertext.into(), aad: Bytes::new(), version: 0 };
    let _ = bench.pipeline.run(&bench.soon(), decrypt).await.unwrap();
    for rpc in ["Encrypt", "Decrypt"] {
        let told = bench.told(&format!("keyward.v1.CryptoService/{rpc}"));
        assert_eq!(&told[0]["hashes"]["plaintext"], hash, "of a value that goes through a key as well: {told:?}");
        assert!(!format!("{told:?}").contains("marked-4711"));
    }
}
