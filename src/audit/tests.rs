use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use keyward_kit::audit::{
    AppendError, Head, Record,
    read::{self, Records},
    record::{Decision, Phase},
    verify::{Expected, Known},
};
use keyward_sdk::{
    crypto::asymmetric::{KeyKind, generate},
    secret::{Key32, Secret},
    time::{SystemClock, Timestamp},
};
use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::method::{Access, AuditClass, Method, Name, ResourceKind, TenantId, TenantResource};

static PUT: Method = Method {
    rpc: "keyward.v1.SecretService/PutSecret",
    action: "secret.write",
    resource: ResourceKind::Secret,
    audit: AuditClass::Write,
    access: Access::Caller,
};
static SEAL: Method = Method {
    rpc: "keyward.v1.SystemService/Seal",
    action: "system.seal",
    resource: ResourceKind::System,
    audit: AuditClass::Write,
    access: Access::Caller,
};

fn entry(method: &'static Method) -> Entry {
    let who = Who {
        tenant: TenantId([1; 16]),
        issuer_kind: "oidc",
        issuer_name: "gitlab".to_owned(),
        subject: "project:7".into(),
        role: "deploy".to_owned(),
        token: Some([2; 16]),
    };
    let resource = TenantResource("main".parse::<Name>().unwrap());
    Entry::new(method, who, &resource, ["pipelines"])
        .from_peer("10.0.0.7:1")
        .with_request(Some("0123456789abcdef"), [3; 16])
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

async fn open(dir: &TempDir, sinks: Vec<Arc<dyn Sink>>) -> Audit {
    Audit::open(Settings::new(dir.path().to_owned()), sinks, SystemClock::shared()).await.unwrap()
}

fn all(audit: &Audit) -> Vec<serde_json::Value> {
    let epoch = read::epochs(audit.folder()).unwrap()[0];
    let mut records = Records::open(audit.folder(), epoch, 0).unwrap();
    let mut out = Vec::new();
    while let Some(found) = records.next().unwrap() {
        out.push(Record::parse(&found.body).unwrap().to_json());
    }
    out
}

/// A register in memory.
#[derive(Default)]
struct Kept {
    logs: Mutex<Vec<RegisteredLog>>,
    key: Mutex<Option<Secret>>,
    heads: Mutex<Vec<Head>>,
    accepted: Mutex<Option<Timestamp>>,
}

#[async_trait]
impl Register for Kept {
    async fn list(&self) -> Result<Vec<RegisteredLog>, RegisterError> {
        Ok(self.logs.lock().unwrap().clone())
    }
    async fn store(&self, log: &RegisteredLog) -> Result<(), RegisterError> {
        let mut logs = self.logs.lock().unwrap();
        logs.retain(|known| known.origin != log.origin);
        logs.push(log.clone());
        Ok(())
    }
    async fn signing_key(&self, _origin: &str) -> Result<Secret, RegisterError> {
        let mut key = self.key.lock().unwrap();
        let key = key.get_or_insert_with(|| generate(KeyKind::Ed25519).unwrap());
        Ok(Secret::copy_of(key.expose()).unwrap())
    }
    async fn accepted(&self) -> Result<Option<Timestamp>, RegisterError> {
        Ok(*self.accepted.lock().unwrap())
    }
    async fn accept(&self, at: Timestamp) -> Result<(), RegisterError> {
        *self.accepted.lock().unwrap() = Some(at);
        Ok(())
    }
    fn heads(&self) -> Vec<Head> {
        self.heads.lock().unwrap().clone()
    }
}

impl Kept {
    fn expected(&self) -> Expected {
        let known = |log: &RegisteredLog| Known {
            origin: log.origin.clone(),
            verifier: Some(log.verifier.clone()),
            checkpoints: log.first.iter().chain(&log.last).cloned().collect(),
        };
        Expected { logs: self.logs.lock().unwrap().iter().map(known).collect(), ..Expected::default() }
    }
}

#[tokio::test]
async fn a_change_has_an_intent_before_and_an_outcome_that_points_at_it() {
    let dir = TempDir::new().unwrap();
    let audit = open(&dir, vec![]).await;
    let hasher = SecretHasher::new(&Key32::copy_of(&[9; 32]));
    let value = Secret::copy_of(b"hunter2-canary").unwrap();
    let entry = entry(&PUT).with_hash("password", hasher.hash(&value));
    let intent = audit.intent(&entry, soon()).await.unwrap();
    let taken = audit.outcome(&intent, &entry, Err(Failure::new(9, "CONFLICT")), soon()).await.unwrap();
    assert_eq!(taken.sequence(), Some(intent.sequence() + 1));
    assert_eq!(taken.with(5).into_reply(), 5);
    let records = all(&audit);
    let (first, second) = (&records[1], &records[2]);
    assert_eq!((first["phase"].as_str(), second["phase"].as_str()), (Some("intent"), Some("outcome")));
    assert_eq!(second["intent"], first["sequence"]);
    assert_eq!((&second["code"], &second["reason"]), (&9.into(), &"CONFLICT".into()));
    for (field, value) in
        [("role", "deploy"), ("resource", "main"), ("peer", "10.0.0.7:1"), ("request_id", "0123456789abcdef")]
    {
        assert_eq!(first[field], value);
    }
    assert_eq!(first["principal"]["subject"], "project:7");
    assert!(first["hashes"]["password"].is_string());
    let name = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "kwa"));
    let bytes = std::fs::read(name.unwrap()).unwrap();
    assert!(!bytes.windows(14).any(|w| w == b"hunter2-canary"));
}

#[test]
fn hashes_tell_values_apart_and_tenants_too() {
    let (one, two) = (SecretHasher::new(&Key32::copy_of(&[1; 32])), SecretHasher::new(&Key32::copy_of(&[2; 32])));
    let (a, b) = (Secret::copy_of(b"a").unwrap(), Secret::copy_of(b"b").unwrap());
    assert_eq!(one.hash(&a), one.hash(&a));
    assert_ne!(one.hash(&a), one.hash(&b));
    assert_ne!(one.hash(&a), two.hash(&a));
}

#[tokio::test]
async fn reads_and_refusals_are_one_record() {
    let dir = TempDir::new().unwrap();
    let audit = open(&dir, vec![]).await;
    let _ = audit.complete(&entry(&PUT).replayed(), Ok(()), soon()).await.unwrap();
    let _ = audit.denied(&entry(&PUT), "no policy permits it", soon()).await.unwrap();
    let records = all(&audit);
    assert_eq!((&records[1]["decision"], &records[1]["code"]), (&"allowed".into(), &0.into()));
    assert_eq!(records[1]["details"]["replayed"], "true");
    assert_eq!((&records[2]["decision"], &records[2]["code"]), (&"denied".into(), &7.into()));
    assert_eq!(records[2]["details"]["why"], "no policy permits it");
}

#[test]
fn what_seals_and_revokes_may_use_the_reserve() {
    use keyward_kit::audit::Priority;
    assert_eq!(entry(&SEAL).priority(), Priority::Urgent);
    assert_eq!(entry(&PUT).priority(), Priority::Normal);
    assert_eq!(entry(&PUT).urgent().priority(), Priority::Urgent);
    assert!(entry(&PUT).encode(Phase::Intent, Decision::Allowed, None, None, Default::default()).is_ok());
}

#[tokio::test]
async fn a_request_about_many_things_is_recorded_in_short() {
    let dir = TempDir::new().unwrap();
    let audit = open(&dir, vec![]).await;
    let long = |n: usize| format!("{n:0>500}");
    let entry = (0..200).fold(entry(&PUT), |entry, n| entry.with_hash(&long(n), [1; 32]));
    let _ = audit.complete(&entry, Ok(()), soon()).await.unwrap();
    let records = all(&audit);
    assert_eq!(records[1]["hashes"].as_object().unwrap().len(), 16);
    assert_eq!(records[1]["details"]["hashes_omitted"], "184");
}

#[tokio::test]
async fn noise_is_counted_and_cannot_fill_the_disk() {
    let dir = TempDir::new().unwrap();
    let audit = open(&dir, vec![]).await;
    for n in 0..100_000u32 {
        audit.unidentified(&PUT, &"p".repeat(500), if n % 4 == 0 { "NO_TOKEN" } else { "EXPIRED" });
    }
    assert!(audit.checkpoint(Duration::from_secs(5)).await.unwrap().is_none(), "no key, no checkpoint");
    let records = all(&audit);
    assert_eq!(records.len(), 1 + 10 + 1);
    let sum = &records.last().unwrap()["details"];
    assert_eq!((&sum["NO_TOKEN"], &sum["EXPIRED"]), (&"25000".into(), &"75000".into()));
}

#[tokio::test]
async fn checkpoints_reach_the_register_and_prove_the_log() {
    let dir = TempDir::new().unwrap();
    let register = Arc::new(Kept::default());
    let head = Head { tenant: [1; 16], counter: 4, digest: [5; 32] };
    register.heads.lock().unwrap().push(head.clone());
    let audit = open(&dir, vec![]).await;
    let _ = audit.complete(&entry(&PUT), Ok(()), soon()).await.unwrap(); // while sealed: chained, signed later
    assert_eq!(audit.attach(register.clone(), soon()).await.unwrap(), Attached::default());
    let note = audit.checkpoint(Duration::from_secs(5)).await.unwrap().unwrap();
    assert!(note.contains("head 01010101010101010101010101010101 4 "));
    assert_eq!(audit.checkpoint(Duration::from_secs(5)).await.unwrap(), None, "no traffic, no checkpoint");
    let _ = audit.complete(&entry(&PUT), Ok(()), soon()).await.unwrap();
    audit.close().await.unwrap();
    assert_eq!(register.logs.lock().unwrap().len(), 1);
    let report = verify::verify(dir.path(), &register.expected()).unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.logs[0].records, report.logs[0].proven), (3, 3));
    // The next start learns how far the control state was.
    let again = open(&dir, vec![]).await;
    let attached = again.attach(register.clone(), soon()).await.unwrap();
    assert_eq!(attached, Attached { heads: vec![head], ..Attached::default() });
}

#[tokio::test]
async fn a_log_that_is_gone_or_cut_is_noticed_when_unsealed() {
    let dir = TempDir::new().unwrap();
    let register = Arc::new(Kept::default());
    let audit = open(&dir, vec![]).await;
    audit.attach(register.clone(), soon()).await.unwrap();
    let first = audit.origin().to_owned();
    audit.close().await.unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "audit.id" {
            std::fs::remove_file(path).unwrap();
        }
    }
    let audit = open(&dir, vec![]).await;
    assert_ne!(audit.origin(), first, "never an old name for a new log");
    let attached = audit.attach(register.clone(), soon()).await.unwrap();
    assert_eq!((&attached.missing[..], attached.lost.as_ref()), (&[first.clone()][..], Some(&first)));
    assert!(all(&audit).iter().any(|record| record["method"] == "audit.log_missing"));
    assert!(!verify::verify(dir.path(), &register.expected()).unwrap().is_clean());
    // Once that was accepted, it is known, and what was signed before counts no more.
    audit.accept().await.unwrap();
    assert_eq!(audit.attach(register.clone(), soon()).await.unwrap(), Attached::default());
}

#[tokio::test]
async fn a_whole_folder_that_is_gone_is_noticed_and_another_replicas_is_not_ours() {
    let (dir, register) = (TempDir::new().unwrap(), Arc::new(Kept::default()));
    let audit = open(&dir, vec![]).await;
    audit.attach(register.clone(), soon()).await.unwrap();
    let first = audit.origin().to_owned();
    audit.close().await.unwrap();
    let elsewhere = RegisteredLog { origin: "0123/2/1".to_owned(), ..register.logs.lock().unwrap()[0].clone() };
    register.logs.lock().unwrap().push(elsewhere);
    let other = TempDir::new().unwrap();
    let attached = open(&other, vec![]).await.attach(register, soon()).await.unwrap();
    assert_eq!((&attached.missing[..], attached.lost.as_ref()), (&[first.clone()][..], Some(&first)));
}

#[tokio::test]
async fn a_log_that_was_cut_and_went_on_is_noticed_when_unsealed() {
    for cut in [true, false] {
        let dir = TempDir::new().unwrap();
        let register = Arc::new(Kept::default());
        let audit = open(&dir, vec![]).await;
        audit.attach(register.clone(), soon()).await.unwrap();
        let _ = audit.complete(&entry(&PUT), Ok(()), soon()).await.unwrap();
        audit.close().await.unwrap();
        let files = || std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let file = files().find(|path| path.extension().is_some_and(|e| e == "kwa")).unwrap();
        // Whoever cuts it takes care of the checkpoint beside it, and cannot change the register.
        let checkpoints = files().find(|path| path.extension().is_some_and(|e| e == "checkpoints")).unwrap();
        std::fs::remove_file(checkpoints).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        if cut {
            std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        }
        let audit = open(&dir, vec![]).await;
        let _ = audit.complete(&entry(&PUT), Ok(()), soon()).await.unwrap();
        let attached = audit.attach(register, soon()).await.unwrap();
        assert_eq!(attached.cut, cut.then_some(1));
        assert_eq!(all(&audit).iter().any(|record| record["method"] == "audit.cut"), cut);
    }
}

/// A sink that takes, refuses or hangs.
struct Other(Mutex<Vec<Vec<u8>>>, Result<(), AppendError>, bool);

#[async_trait]
impl Sink for Other {
    fn name(&self) -> &str {
        "other"
    }
    async fn take(&self, record: Taking, _within: Duration) -> Result<Option<u64>, AppendError> {
        if self.2 {
            std::future::pending::<()>().await;
        }
        self.1.clone()?;
        self.0.lock().unwrap().push(record.body);
        Ok(None)
    }
    async fn checkpoint(&self, _note: &str, _within: Duration) -> Result<(), AppendError> {
        self.1.clone()
    }
}

#[tokio::test]
async fn one_sink_that_takes_a_record_is_enough() {
    let dir = TempDir::new().unwrap();
    let takes = Arc::new(Other(Mutex::default(), Ok(()), false));
    let refuses = Arc::new(Other(Mutex::default(), Err(AppendError::Full), false));
    let hangs = Arc::new(Other(Mutex::default(), Ok(()), true));
    let audit = open(&dir, vec![takes.clone(), refuses, hangs]).await;
    for _ in 0..50 {
        // The one that hangs is waited for once, then left alone.
        let _ = audit.complete(&entry(&PUT), Ok(()), soon()).await.unwrap();
    }
    assert_eq!(takes.0.lock().unwrap().len(), 50);
    assert_eq!(all(&audit).len(), 51);
    audit.close().await.unwrap();
    // The file is closed: the other is enough, and its records have no place.
    let taken = audit.complete(&entry(&PUT), Ok(()), soon()).await.unwrap();
    assert_eq!(taken.sequence(), None);
}

#[tokio::test]
async fn without_a_sink_nothing_is_recorded_and_nothing_proven() {
    let dir = TempDir::new().unwrap();
    let audit = open(&dir, vec![]).await;
    audit.close().await.unwrap();
    assert!(matches!(audit.intent(&entry(&PUT), soon()).await, Err(AuditError::Unavailable(AppendError::Stopped))));
    let huge = entry(&PUT).with_detail("x", "y".repeat(20_000));
    assert!(matches!(audit.complete(&huge, Ok(()), soon()).await, Err(AuditError::Record(_))));
}
