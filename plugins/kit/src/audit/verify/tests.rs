use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use keyward_sdk::{
    crypto::asymmetric::{KeyKind, generate},
    time::{ManualClock, Timestamp},
};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::audit::{
    AppendError, Checkpoint, Durability, FileLog, Priority, Record, Signer,
    checkpoint::check_proof,
    file::{Disk, Options},
    read::{Records, inclusion_proof},
};

pub(super) const SOON: Duration = Duration::from_secs(10);

/// A log of several files with checkpoints, and what the register knows of it.
pub(super) struct Sample {
    pub(super) dir: TempDir,
    pub(super) epoch: u64,
    signer: Signer,
    expected: Expected,
    pub(super) last: String,
}

impl Sample {
    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|e| e == "kwa"));
        files.sort();
        files
    }

    fn verify(&self) -> Report {
        verify(self.dir.path(), &self.expected).unwrap()
    }

    /// The kinds of findings, after a change to the bytes of a file.
    fn after(&self, file: usize, change: impl FnOnce(&mut Vec<u8>)) -> Report {
        let path = &self.files()[file];
        let sound = fs::read(path).unwrap();
        let mut bytes = sound.clone();
        change(&mut bytes);
        fs::write(path, &bytes).unwrap();
        let report = self.verify();
        fs::write(path, &sound).unwrap();
        report
    }
}

fn kinds(report: &Report) -> Vec<FindingKind> {
    report.findings.iter().map(|finding| finding.kind).collect()
}

pub(super) async fn add(log: &FileLog, method: &str) -> Result<u64, AppendError> {
    let mut body = Vec::new();
    Record { method, ..Record::default() }.encode(&mut body).unwrap();
    log.append(body, Durability::Os, Priority::Normal, SOON).await
}

pub(super) async fn checkpoint(log: &FileLog, signer: &Signer) -> String {
    let head = log.head(SOON).await.unwrap();
    let (origin, time) = (log.origin().to_owned(), Some(Timestamp::from_millis(5)));
    let note = Checkpoint { origin, size: head.size, root: head.root, time, heads: vec![] }.sign(signer).unwrap();
    log.keep_checkpoint(note.clone(), SOON).await.unwrap();
    note
}

/// 201 records in about 6 files, a checkpoint after every 20.
pub(super) async fn sample() -> Sample {
    sample_of(6 << 10).await
}

/// An empty log with files of this size.
pub(super) fn begin(dir: &Path, segment_bytes: u64) -> FileLog {
    let clock = ManualClock::at(Timestamp::from_millis(1_795_382_203_000));
    let options = Options { segment_bytes, reserve_bytes: 4 << 10, ..Options::new("inst", "r1", clock) };
    FileLog::open(Arc::new(Disk::open(dir).unwrap()), &options).unwrap()
}

async fn sample_of(segment_bytes: u64) -> Sample {
    let dir = TempDir::new().unwrap();
    let log = begin(dir.path(), segment_bytes);
    let signer = Signer::new(log.origin(), &generate(KeyKind::Ed25519).unwrap()).unwrap();
    log.keep_verifier(signer.verifier().to_string(), SOON).await.unwrap();
    let mut last = String::new();
    for n in 0..200 {
        add(&log, &format!("method-{n:03}")).await.unwrap();
        if n % 20 == 19 {
            last = checkpoint(&log, &signer).await;
        }
    }
    log.close(SOON).await.unwrap();
    let known = Known {
        origin: log.origin().to_owned(),
        verifier: Some(signer.verifier().to_string()),
        checkpoints: vec![last.clone()],
    };
    let epoch = read::epochs(dir.path()).unwrap()[0];
    Sample { dir, epoch, signer, expected: Expected { logs: vec![known], ..Expected::default() }, last }
}

#[tokio::test]
async fn a_sound_log_is_clean_and_says_what_is_not_proven() {
    let sample = sample().await;
    let report = sample.verify();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.logs[0].records, report.logs[0].proven, report.logs[0].checkpoints), (201, 201, 10));
    assert!(report.logs[0].files >= 4);
    assert!(report.unproven.iter().any(|text| text.contains("holder of the signing key")));
    let alone = verify(sample.dir.path(), &Expected::default()).unwrap();
    assert!(alone.is_clean());
    assert!(alone.unproven.iter().any(|text| text.contains("no register")));
    assert!(alone.unproven.iter().any(|text| text.contains("own folder")));
}

#[tokio::test]
async fn a_changed_byte_is_found_where_it_is_and_nothing_else() {
    let sample = sample().await;
    let name = sample.files()[1].file_name().unwrap().to_str().unwrap().to_owned();
    let (mut start, mut wanted) = (0, 0);
    let report = sample.after(1, |bytes| {
        let at = bytes.windows(7).position(|w| w == b"method-").unwrap();
        wanted = std::str::from_utf8(&bytes[at + 7..at + 10]).unwrap().parse::<u64>().unwrap() + 1;
        // Method stands after 78 bytes of numbers and ids and two lengths; the frame adds 36 bytes before it.
        start = at as u64;
        bytes[at] ^= 1;
    });
    assert_eq!(kinds(&report), [FindingKind::ChangedBytes], "{report:#?}");
    let finding = &report.findings[0];
    assert_eq!((finding.file.as_str(), finding.sequence), (name.as_str(), Some(wanted)));
    assert!(finding.offset.unwrap() < start && start - finding.offset.unwrap() < 160);
    assert!(finding.to_string().contains("changed bytes: audit-"));
    // What follows it says its hash, so the checkpoints after it go on fitting; also within the only file.
    assert_eq!((report.logs[0].proven, report.logs[0].checkpoints), (201, 10), "{report:#?}");
    let sample = self::sample_of(1 << 20).await;
    let report = sample.after(0, |bytes| {
        let at = bytes.windows(10).position(|w| w == b"method-005").unwrap();
        bytes[at] ^= 1;
        let at = bytes.windows(10).position(|w| w == b"method-141").unwrap();
        bytes.splice(at - 114..at - 114, [0; 7]);
    });
    assert_eq!(kinds(&report), [FindingKind::ChangedBytes; 2], "{report:#?}");
    assert_eq!((report.logs[0].proven, report.logs[0].checkpoints), (201, 10), "{report:#?}");
}

#[tokio::test]
async fn a_removed_record_is_named() {
    let sample = sample().await;
    let report = sample.after(1, |bytes| {
        let first = bytes.windows(7).position(|w| w == b"method-").unwrap();
        let second = first + 7 + bytes[first + 7..].windows(7).position(|w| w == b"method-").unwrap();
        bytes.drain(first..second); // exactly one frame's length, from within one to within the next
    });
    assert!(kinds(&report).contains(&FindingKind::ChangedBytes), "{report:#?}");

    let (header, lens) = frames(&sample, 1);
    let removed = sample.after(1, |bytes| {
        let start = header + lens[0] + lens[1];
        bytes.drain(start..start + lens[2]);
    });
    assert_eq!(kinds(&removed), [FindingKind::RemovedRecords], "{removed:#?}");
    assert_eq!(removed.findings[0].offset, Some((header + lens[0] + lens[1]) as u64));
    let swapped = sample.after(1, |bytes| {
        let (a, b) = (header + lens[0], header + lens[0] + lens[1]);
        let second = bytes[a..b].to_vec();
        bytes.drain(a..b);
        let at = a + lens[2];
        bytes.splice(at..at, second);
    });
    assert!(kinds(&swapped).contains(&FindingKind::OutOfPlace), "{swapped:#?}");
    let last_of_file = sample.after(1, |bytes| bytes.truncate(bytes.len() - lens.last().unwrap()));
    assert_eq!(kinds(&last_of_file), [FindingKind::RemovedRecords], "{last_of_file:#?}");
}

/// The length of a file's header, and of each of its frames.
fn frames(sample: &Sample, file: usize) -> (usize, Vec<usize>) {
    let bytes = fs::read(&sample.files()[file]).unwrap();
    let header = crate::audit::file::segment::Header::parse(&bytes).unwrap().1;
    let (mut at, mut lens) = (header, Vec::new());
    while at < bytes.len() {
        let len = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize + 44;
        lens.push(len);
        at += len;
    }
    (header, lens)
}

#[tokio::test]
async fn a_cut_tail_is_found_by_the_checkpoint() {
    let sample = sample().await;
    let last = sample.files().len() - 1;
    let (_, lens) = frames(&sample, last);
    let report = sample.after(last, |bytes| bytes.truncate(bytes.len() - lens.last().unwrap()));
    assert_eq!(kinds(&report), [FindingKind::CutTail], "{report:#?}");
    assert_eq!(report.findings[0].sequence, Some(200));
    // With a torn record at the end as well, which alone would pass as a crash.
    let torn = sample.after(last, |bytes| bytes.truncate(bytes.len() - 3));
    assert_eq!(kinds(&torn), [FindingKind::CutTail]);
    // Whole last files.
    let path = sample.files()[last].clone();
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(kinds(&sample.verify()), [FindingKind::CutTail]);
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_missing_file_and_swapped_files_are_named() {
    let sample = sample().await;
    let files = sample.files();
    let aside = sample.dir.path().join("aside");
    fs::rename(&files[1], &aside).unwrap();
    let missing = sample.verify();
    assert_eq!(kinds(&missing), [FindingKind::MissingFile]);
    assert!(missing.findings[0].file.ends_with("-000001.kwa"));
    fs::rename(&files[2], &files[1]).unwrap();
    fs::rename(&aside, &files[2]).unwrap();
    let swapped = sample.verify();
    assert_eq!(kinds(&swapped)[..2], [FindingKind::OutOfPlace, FindingKind::OutOfPlace], "{swapped:#?}");
}

#[tokio::test]
async fn a_missing_log_and_one_that_nobody_knows_are_named() {
    let mut sample = sample().await;
    sample.expected.logs.push(Known { origin: "inst/r1/7".to_owned(), ..Known::default() });
    let report = sample.verify();
    assert_eq!(kinds(&report), [FindingKind::MissingLog]);
    sample.expected.logs.remove(0);
    let report = sample.verify();
    assert!(report.unproven.iter().any(|text| text.contains("is not in the register")));
}

#[tokio::test]
async fn a_log_whose_files_are_all_gone_is_found_by_what_is_left_of_it_and_a_folder_without_one_is_refused() {
    let sample = sample().await;
    sample.files().iter().for_each(|file| fs::remove_file(file).unwrap());
    let alone = || verify(sample.dir.path(), &Expected::default());
    let report = alone().unwrap();
    assert_eq!(kinds(&report), [FindingKind::MissingLog], "{report:#?}");
    let origin = sample.expected.logs[0].origin.clone();
    let text = &report.findings[0].text;
    assert!(text.contains(&origin) && text.contains("201 records"), "{text}");
    assert_eq!(kinds(&sample.verify()), [FindingKind::MissingLog]);
    let given_up = Expected { logs: sample.expected.logs.clone(), given_up: vec![origin] };
    assert!(verify(sample.dir.path(), &given_up).unwrap().is_clean());
    fs::remove_file(sample.dir.path().join(checkpoints_file(&sample))).unwrap();
    assert_eq!(kinds(&alone().unwrap()), [FindingKind::MissingLog]);
    fs::remove_dir_all(sample.dir.path()).unwrap();
    fs::create_dir(sample.dir.path()).unwrap();
    assert_eq!(alone().unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(kinds(&sample.verify()), [FindingKind::MissingLog]);
}

#[tokio::test]
async fn removed_checkpoints_leave_nothing_proven_and_that_is_said() {
    let sample = sample().await;
    fs::remove_file(sample.dir.path().join(checkpoints_file(&sample))).unwrap();
    let report = verify(sample.dir.path(), &Expected::default()).unwrap();
    assert_eq!((report.is_clean(), report.logs[0].proven), (true, 0));
    assert!(report.unproven.iter().any(|text| text.contains("they were removed")), "{report:#?}");
}

#[tokio::test]
async fn a_removed_key_is_found_and_lets_no_cut_log_pass() {
    let sample = sample().await;
    let key = sample.dir.path().join(format!("audit-{}.vkey", sample.epoch));
    fs::remove_file(sample.files().last().unwrap()).unwrap();
    fs::write(&key, "no key").unwrap();
    let kept = Known { verifier: None, ..sample.expected.logs[0].clone() };
    let report = || verify(sample.dir.path(), &Expected { logs: vec![kept.clone()], given_up: vec![] }).unwrap();
    assert_eq!(kinds(&report()), [FindingKind::ChangedBytes]);
    fs::remove_file(&key).unwrap();
    assert_eq!(kinds(&report()), [FindingKind::MissingFile], "{:#?}", report());
    assert_eq!(kinds(&verify(sample.dir.path(), &Expected::default()).unwrap()), [FindingKind::MissingFile]);
    assert_eq!(kinds(&sample.verify()), [FindingKind::CutTail], "with the key from elsewhere it is checked");
    // An operator gave it up, and its files are there all the same: they are held against the register.
    let given_up = vec![kept.origin.clone()];
    let report = verify(sample.dir.path(), &Expected { logs: sample.expected.logs.clone(), given_up }).unwrap();
    assert_eq!(kinds(&report), [FindingKind::CutTail]);
}

#[tokio::test]
async fn a_bad_signature_is_named_with_its_line() {
    let sample = sample().await;
    let path = sample.dir.path().join(checkpoints_file(&sample));
    let sound = fs::read_to_string(&path).unwrap();
    fs::write(&path, sound.replacen("\n41\n", "\n42\n", 1).replacen("time 5", "time 6", 1)).unwrap();
    let report = sample.verify();
    assert!(kinds(&report).iter().all(|kind| *kind == FindingKind::BadSignature) && !report.is_clean(), "{report:#?}");
    assert_eq!(report.findings[0].offset, Some(1));
}

fn checkpoints_file(sample: &Sample) -> String {
    format!("audit-{}.checkpoints", sample.epoch)
}

#[tokio::test]
async fn a_history_written_anew_without_the_key_is_found_by_the_checkpoints() {
    let sample = sample().await;
    let other = self::sample().await;
    // The same log, whole in itself, with other records; the checkpoints of the true one are kept by the register.
    let forged = TempDir::new().unwrap();
    let log = begin(forged.path(), 6 << 10);
    for n in 0..200 {
        add(&log, &format!("forged-{n:03}")).await.unwrap();
    }
    log.close(SOON).await.unwrap();
    let report = verify(forged.path(), &sample.expected).unwrap();
    assert_eq!(kinds(&report), [FindingKind::Rewritten], "{report:#?}");
    // With checkpoints of the forger's own key.
    fs::copy(other.dir.path().join(checkpoints_file(&other)), forged.path().join(checkpoints_file(&sample))).unwrap();
    let report = verify(forged.path(), &sample.expected).unwrap();
    assert!(kinds(&report).contains(&FindingKind::BadSignature) && kinds(&report).contains(&FindingKind::Rewritten));
}

#[tokio::test]
async fn one_record_is_proven_to_be_in_the_log_and_another_is_not() {
    let sample = sample().await;
    let proof = inclusion_proof(sample.dir.path(), sample.epoch, 77, &sample.last).unwrap().unwrap();
    let record = Records::open(sample.dir.path(), sample.epoch, 77).unwrap().next().unwrap().unwrap();
    let other = Records::open(sample.dir.path(), sample.epoch, 78).unwrap().next().unwrap().unwrap();
    assert_eq!((record.sequence, other.sequence), (77, 78));
    let checkpoint = check_proof(&proof, record.leaf, sample.signer.verifier()).unwrap();
    assert_eq!(checkpoint.size, 201 - 1 + 1);
    assert!(check_proof(&proof, other.leaf, sample.signer.verifier()).is_err());
    assert!(check_proof(&proof.replace("index 77", "index 78"), other.leaf, sample.signer.verifier()).is_err());
    assert_eq!(inclusion_proof(sample.dir.path(), sample.epoch, 201, &sample.last).unwrap(), None);
}

#[tokio::test]
async fn a_kept_checkpoint_is_proven_to_be_the_beginning_of_the_log() {
    let sample = sample().await;
    let kept = read::checkpoints(sample.dir.path(), sample.epoch).unwrap();
    let old = Checkpoint::open(&kept[2].1, sample.signer.verifier()).unwrap();
    let new = Checkpoint::open(&sample.last, sample.signer.verifier()).unwrap();
    let proof = read::consistency_proof(sample.dir.path(), sample.epoch, old.size, new.size).unwrap().unwrap();
    let consistent = crate::audit::tree::proof::consistent;
    assert!(consistent(&proof, old.size, &old.root, new.size, &new.root));
    assert!(!consistent(&proof, old.size, &[0; 32], new.size, &new.root));
    assert_eq!(read::consistency_proof(sample.dir.path(), sample.epoch, old.size, 1000).unwrap(), None);
}

#[tokio::test]
async fn a_reader_that_follows_sees_what_comes_later_over_new_files() {
    let dir = TempDir::new().unwrap();
    let clock = ManualClock::at(Timestamp::from_millis(5));
    let options = Options { segment_bytes: 4 << 10, reserve_bytes: 4 << 10, ..Options::new("inst", "r1", clock) };
    let log = FileLog::open(Arc::new(Disk::open(dir.path()).unwrap()), &options).unwrap();
    let mut reader = Records::open(dir.path(), 5, 1).unwrap();
    assert_eq!(reader.next().unwrap(), None);
    for n in 1..100 {
        add(&log, "m").await.unwrap();
        if n % 7 == 0 {
            let seen = std::iter::from_fn(|| reader.next().unwrap()).map(|found| found.sequence);
            assert_eq!(seen.collect::<Vec<_>>(), (n - 6..=n).collect::<Vec<_>>());
        }
    }
    assert!(read::numbers(dir.path(), 5).unwrap().len() > 2);
}

#[test]
fn any_change_of_any_file_of_the_log_is_found() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sample = runtime.block_on(sample());
    let files = sample.files();
    proptest!(ProptestConfig::with_cases(200), |(file: usize, at: usize, flip in 1u8..)| {
        let file = file % files.len();
        let report = sample.after(file, |bytes| {
            let at = at % bytes.len();
            bytes[at] ^= flip;
        });
        prop_assert!(!report.is_clean());
        prop_assert!(report.findings.iter().any(|finding| files[file].ends_with(&finding.file)), "{:#?}", report);
    });
    proptest!(ProptestConfig::with_cases(100), |(file: usize, cut: usize)| {
        let file = file % files.len();
        let report = sample.after(file, |bytes| bytes.truncate(cut % bytes.len()));
        prop_assert!(!report.is_clean());
    });
}
