mod crash;
mod faulty;
mod full_disk;

use std::{
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use keyward_sdk::time::{ManualClock, Timestamp};
use tempfile::TempDir;

use self::faulty::{Faults, Faulty};
use super::*;
use crate::audit::{
    read::Records,
    record::{Phase, Record},
    verify::{Expected, verify},
};

const SOON: Duration = Duration::from_secs(10);

fn options() -> Options {
    let clock = ManualClock::at(Timestamp::from_millis(1_795_382_203_000));
    Options { segment_bytes: 64 << 10, reserve_bytes: 16 << 10, ..Options::new("inst", "r1", clock) }
}

fn faulty(dir: &TempDir) -> (FileLog, Arc<Faults>) {
    let faults = Arc::new(Faults { room: AtomicI64::new(-1), ..Faults::default() });
    let medium = Faulty { disk: Disk::open(dir.path()).unwrap(), faults: Arc::clone(&faults) };
    (FileLog::open(Arc::new(medium), &options()).unwrap(), faults)
}

fn opened(dir: &TempDir) -> Result<FileLog, OpenError> {
    FileLog::open(Arc::new(Disk::open(dir.path()).unwrap()), &options())
}

fn body(method: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Record { phase: Phase::Complete, method, resource: "prod/db", ..Record::default() }.encode(&mut out).unwrap();
    out
}

async fn add(log: &FileLog, method: &str) -> Result<u64, AppendError> {
    log.append(body(method), Durability::Os, Priority::Normal, SOON).await
}

async fn add_urgent(log: &FileLog, method: &str) -> Result<u64, AppendError> {
    log.append(body(method), Durability::Fsync, Priority::Urgent, SOON).await
}

/// The methods of all records, in order.
fn methods(dir: &TempDir) -> Vec<String> {
    let epoch = crate::audit::read::epochs(dir.path()).unwrap()[0];
    let mut records = Records::open(dir.path(), epoch, 0).unwrap();
    let mut out = Vec::new();
    while let Some(found) = records.next().unwrap() {
        let record = Record::parse(&found.body).unwrap();
        assert_eq!((found.sequence, record.sequence), (out.len() as u64, out.len() as u64));
        out.push(record.method.to_owned());
    }
    out
}

fn assert_sound(dir: &TempDir) {
    let report = verify(dir.path(), &Expected::default()).unwrap();
    assert!(report.is_clean(), "{report:#?}");
}

fn newest_file(dir: &TempDir) -> std::path::PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "kwa"));
    files.sort();
    files.pop().unwrap()
}

#[tokio::test]
async fn records_are_read_back_in_order_over_many_files_and_starts() {
    let dir = TempDir::new().unwrap();
    let mut expected = Vec::new();
    for start in 0..3 {
        let log = opened(&dir).unwrap();
        expected.push("audit.opened".to_owned());
        for n in 0..500 {
            let method = format!("m{start}.{n}");
            assert_eq!(add(&log, &method).await.unwrap(), expected.len() as u64);
            expected.push(method);
        }
        log.close(SOON).await.unwrap();
        assert_eq!(add(&log, "late").await, Err(AppendError::Stopped));
    }
    assert_eq!(methods(&dir), expected);
    assert_sound(&dir);
    let files =
        std::fs::read_dir(dir.path()).unwrap().filter(|e| e.as_ref().unwrap().path().extension().is_some()).count();
    assert!(files > 4, "the log was rotated");
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_tasks_append_at_once_is_all_there() {
    for writes in [Writes::Apart, Writes::Inline] {
        let dir = TempDir::new().unwrap();
        let medium = Arc::new(Disk::open(dir.path()).unwrap());
        let log = Arc::new(FileLog::open(medium, &Options { writes, ..options() }).unwrap());
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..32 {
            let log = Arc::clone(&log);
            tasks.spawn(async move {
                for n in 0..50 {
                    let durability = if n % 10 == 0 { Durability::Fsync } else { Durability::Os };
                    log.append(body(&format!("{task}.{n}")), durability, Priority::Normal, SOON).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        log.close(SOON).await.unwrap();
        let mut found = methods(&dir);
        assert_eq!(found.len(), 1601);
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 1601);
        assert_sound(&dir);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_all_but_urgent_records_and_goes_on_by_itself() {
    let dir = TempDir::new().unwrap();
    let (log, faults) = faulty(&dir);
    add(&log, "before").await.unwrap();
    faults.set_room(0);
    while add(&log, "fills what was taken ahead").await.is_ok() {}
    assert_eq!(add(&log, "refused").await, Err(AppendError::Full));
    add_urgent(&log, "seal").await.unwrap();
    assert_eq!((log.status().full, log.status().in_reserve), (true, true));
    assert_eq!(add(&log, "refused").await, Err(AppendError::Full));
    add_urgent(&log, "revoke").await.unwrap();
    faults.set_room(-1);
    add(&log, "after").await.unwrap();
    assert_eq!((log.status().full, log.status().in_reserve), (false, false));
    log.close(SOON).await.unwrap();
    let found = methods(&dir);
    assert_eq!(found[found.len() - 3..], ["seal", "revoke", "after"]);
    assert!(!found.contains(&"refused".to_owned()));
    assert!(dir.path().join(writer::RESERVE).exists(), "the reserve is there again");
    assert_sound(&dir);
}

#[tokio::test]
async fn a_start_on_a_full_disk_keeps_the_rest_of_the_reserve_for_urgent_records() {
    let dir = TempDir::new().unwrap();
    let (log, faults) = faulty(&dir);
    faults.set_room(0);
    while add(&log, "fills").await.is_ok() {}
    add_urgent(&log, "seal").await.unwrap();
    drop(log); // as by a crash: nothing is given back
    faults.hang(false);
    let faults = Arc::new(Faults { room: AtomicI64::new(0), ..Faults::default() });
    let disk = loop {
        // The writer's thread of the dropped log holds the folder a moment longer.
        match Disk::open(dir.path()) {
            Ok(disk) => break disk,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let log = FileLog::open(Arc::new(Faulty { disk, faults: Arc::clone(&faults) }), &options()).unwrap();
    assert_eq!(add(&log, "refused").await, Err(AppendError::Full));
    faults.set_room(-1);
    add(&log, "after").await.unwrap();
    log.close(SOON).await.unwrap();
    assert_sound(&dir);
}

#[tokio::test]
async fn a_disk_that_hangs_fails_requests_in_time_and_loses_nothing_that_was_acknowledged() {
    let dir = TempDir::new().unwrap();
    let (log, faults) = faulty(&dir);
    add(&log, "before").await.unwrap();
    faults.hang(true);
    for n in 0..20 {
        let short = Duration::from_millis(20);
        let refused = log.append(body(&format!("hung{n}")), Durability::Os, Priority::Normal, short).await;
        assert_eq!(refused, Err(AppendError::Deadline));
    }
    faults.hang(false);
    add(&log, "after").await.unwrap();
    log.close(SOON).await.unwrap();
    let found = methods(&dir);
    // The one whose write was under way may be there; those that gave up while they waited are not.
    let hung = found.iter().filter(|method| method.starts_with("hung")).count();
    assert!(hung <= 1, "{found:?}");
    assert_eq!(found.last().unwrap(), "after");
    assert_sound(&dir);
}

#[tokio::test]
async fn what_waits_for_a_hanging_disk_has_a_bound() {
    let dir = TempDir::new().unwrap();
    let faults = Arc::new(Faults { room: AtomicI64::new(-1), ..Faults::default() });
    let medium = Faulty { disk: Disk::open(dir.path()).unwrap(), faults: Arc::clone(&faults) };
    let log = FileLog::open(Arc::new(medium), &Options { queue_bytes: 4096, ..options() }).unwrap();
    faults.hang(true);
    let results = futures_util::future::join_all(
        (0..100).map(|_| log.append(body("m"), Durability::Os, Priority::Normal, Duration::from_millis(300))),
    )
    .await;
    assert!(results.contains(&Err(AppendError::Busy)));
    assert!(results.iter().all(Result::is_err));
    faults.hang(false);
    add(&log, "after").await.unwrap();
    log.close(SOON).await.unwrap();
}

#[tokio::test]
async fn a_failed_sync_is_told_and_its_file_is_used_no_more() {
    let dir = TempDir::new().unwrap();
    let (log, faults) = faulty(&dir);
    add(&log, "before").await.unwrap();
    faults.syncs_fail.store(true, Ordering::SeqCst);
    let told = log.append(body("unsure"), Durability::Fsync, Priority::Normal, SOON).await;
    assert!(matches!(told, Err(AppendError::Unsynced(_))));
    faults.syncs_fail.store(false, Ordering::SeqCst);
    let before = newest_file(&dir);
    log.append(body("sure"), Durability::Fsync, Priority::Normal, SOON).await.unwrap();
    assert_ne!(before, newest_file(&dir));
    log.close(SOON).await.unwrap();
    assert_sound(&dir);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_signed_before_it_is_on_the_disk() {
    let dir = TempDir::new().unwrap();
    let (log, faults) = faulty(&dir);
    add(&log, "before").await.unwrap();
    log.head(SOON).await.unwrap();
    faults.syncs_fail.store(true, Ordering::SeqCst);
    add(&log, "read").await.unwrap();
    assert!(matches!(log.head(SOON).await, Err(AppendError::Unsynced(_))));
    assert!(matches!(log.head(SOON).await, Err(AppendError::Unsynced(_))), "nor is the second try believed");
    // The system told of the failure once, and would say yes now.
    faults.syncs_fail.store(false, Ordering::SeqCst);
    assert!(faults.not_on_disk() > 0);
    let size = log.head(SOON).await.unwrap().size;
    assert_eq!(faults.not_on_disk(), 0);

    // What cannot be read back is never signed for.
    faults.syncs_fail.store(true, Ordering::SeqCst);
    add(&log, "gone").await.unwrap();
    assert!(matches!(log.head(SOON).await, Err(AppendError::Unsynced(_))));
    let file = newest_file(&dir);
    let gone = std::fs::read(&file).unwrap().windows(4).position(|bytes| bytes == b"gone").unwrap();
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().write_at(b"\0\0\0\0", gone as u64).unwrap();
    faults.syncs_fail.store(false, Ordering::SeqCst);
    assert!(matches!(log.head(SOON).await, Err(AppendError::Unsynced(_))));
    assert!(log.append(body("more"), Durability::Fsync, Priority::Normal, SOON).await.is_err());
    log.append(body("seal"), Durability::Os, Priority::Urgent, SOON).await.unwrap();
    assert!(matches!(log.head(SOON).await, Err(AppendError::Unsynced(_))), "a file of its own changes nothing");
    assert!(log.status().size > size);
}

#[tokio::test]
async fn a_torn_end_is_cut_at_every_byte_and_noted() {
    let dir = TempDir::new().unwrap();
    let log = opened(&dir).unwrap();
    add(&log, "kept").await.unwrap();
    log.close(SOON).await.unwrap();
    let file = newest_file(&dir);
    let whole = std::fs::read(&file).unwrap();
    drop(log);
    let log = opened(&dir).unwrap();
    log.close(SOON).await.unwrap();
    drop(log);
    let longer = std::fs::read(&file).unwrap();
    for len in whole.len() + 1..longer.len() {
        for zeros in [0, 100] {
            let mut torn = longer[..len].to_vec();
            torn.resize(len + zeros, 0);
            std::fs::write(&file, &torn).unwrap();
            let log = opened(&dir).unwrap();
            // Zeros at the end of the record's length are space that was taken ahead, not a torn write.
            let only_zeros = torn[whole.len()..].iter().all(|b| *b == 0);
            let cut = log.recovered().cut.clone();
            assert_eq!(cut.is_none(), only_zeros, "{len} {zeros}");
            if let Some(cut) = cut {
                assert_eq!((cut.offset, cut.bytes), (whole.len() as u64, (torn.len() - whole.len()) as u64));
            }
            log.close(SOON).await.unwrap();
            drop(log);
            assert_sound(&dir);
        }
    }
    assert_eq!(methods(&dir), ["audit.opened", "kept", "audit.opened"].map(str::to_owned)[..2]);
}

#[tokio::test]
async fn a_change_within_the_last_file_refuses_the_start_and_is_named() {
    let dir = TempDir::new().unwrap();
    let log = opened(&dir).unwrap();
    for n in 0..5 {
        add(&log, &format!("m{n}")).await.unwrap();
    }
    log.close(SOON).await.unwrap();
    drop(log);
    let file = newest_file(&dir);
    let sound = std::fs::read(&file).unwrap();
    let second = sound.windows(2).position(|w| w == b"m1").unwrap();
    // Also in the length of the record, whatever it then says.
    let length = second - 32 - 4 - 200;
    for at in [second, length.max(200), sound.len() - 300] {
        let mut changed = sound.clone();
        changed[at] ^= 0x40;
        std::fs::write(&file, &changed).unwrap();
        let refused = opened(&dir).unwrap_err();
        assert!(matches!(refused, OpenError::Damaged { .. }), "{at}: {refused}");
    }
    std::fs::write(&file, &sound).unwrap();
    opened(&dir).unwrap();
}

#[tokio::test]
async fn a_log_that_is_shorter_than_its_own_checkpoint_refuses_the_start() {
    use crate::audit::{Checkpoint, Signer};
    let dir = TempDir::new().unwrap();
    let log = opened(&dir).unwrap();
    add(&log, "kept").await.unwrap();
    let file = newest_file(&dir);
    add(&log, "cut").await.unwrap();
    let head = log.head(SOON).await.unwrap();
    let key = keyward_sdk::crypto::asymmetric::generate(keyward_sdk::crypto::asymmetric::KeyKind::Ed25519).unwrap();
    let signer = Signer::new(log.origin(), &key).unwrap();
    let checkpoint =
        Checkpoint { origin: log.origin().into(), size: head.size, root: head.root, time: None, heads: vec![] };
    log.keep_checkpoint(checkpoint.sign(&signer).unwrap(), SOON).await.unwrap();
    log.close(SOON).await.unwrap();
    drop(log);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(opened(&dir), Err(OpenError::Shortened { found: 2, expected: 3 })));
}

#[tokio::test]
async fn a_folder_of_another_replica_is_refused() {
    let dir = TempDir::new().unwrap();
    let log = opened(&dir).unwrap();
    assert!(Disk::open(dir.path()).is_err(), "one daemon at a time");
    log.close(SOON).await.unwrap();
    let other = Options { replica: "r2".to_owned(), ..options() };
    let refused = FileLog::open(Arc::new(Disk::open(dir.path()).unwrap()), &other);
    assert!(matches!(refused, Err(OpenError::Foreign(..))));
    let odd = Options { replica: "r 2".to_owned(), ..options() };
    assert!(matches!(FileLog::open(Arc::new(Disk::open(dir.path()).unwrap()), &odd), Err(OpenError::Name(_))));
}
