//! A process that writes is killed hundreds of times. Every batch that it was told is written is there, whole; of the
//! others each is there whole or not at all.

use std::{
    env,
    io::{BufRead, BufReader, Write, stdout},
    path::Path as FsPath,
    process::{Child, Command, Stdio},
};

use bytes::Bytes;
use keyward::storage::{Batch, Embedded, Expect, Storage};
use tokio::task::JoinSet;

use super::{PRODUCTION, support::*};

/// Where the child finds the store.
const STORE: &str = "KEYWARD_TEST_CRASH_STORE";
/// More kills than by default: `make test-long` sets it.
const KILLS: &str = "KEYWARD_TEST_CRASH_KILLS";
const TASKS: usize = 6;
/// The entries of one batch besides the head of its task.
const PARTS: usize = 5;
/// The rounds whose parts are kept. Those before are removed, so that their pages are used again.
const KEEP: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_batch_is_lost_and_none_is_torn_by_kills() {
    let kills = env::var_os(KILLS).map_or(300, |kills| kills.to_str().unwrap().parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let mut checked = [0; TASKS];
    let mut acknowledged = 0;
    for kill in 0..kills {
        // From killed while it opens to killed in the midst of writing.
        let lines = kill * 7 % 60;
        let acks = run_and_kill(&path, lines);
        acknowledged += acks.len();
        let store = Embedded::open(&path, PRODUCTION).unwrap();
        for (task, checked) in checked.iter_mut().enumerate() {
            let told = acks.iter().filter(|ack| ack.0 == task).map(|ack| ack.1).max().unwrap_or(*checked);
            let head = head(&store, task).await;
            assert!(head >= told, "kill {kill}: task {task} was told {told} and the store has {head}");
            for round in *checked..=head + 1 {
                let gone = round == 0 || round > head || round + KEEP <= head;
                let expected = if gone { 0 } else { PARTS };
                assert_eq!(
                    parts(&store, task, round).await,
                    expected,
                    "kill {kill}: task {task}, round {round}, head {head}"
                );
            }
            *checked = head;
        }
    }
    assert!(acknowledged > kills * 10, "only {acknowledged} batches were acknowledged before {kills} kills");
}

/// Starts the child, reads so many of its lines, kills it, and gives back everything that it had said.
fn run_and_kill(store: &FsPath, lines: usize) -> Vec<(usize, u64)> {
    let mut child = child(store);
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut acks = Vec::new();
    while acks.len() < lines {
        let Some(line) = said.next() else { panic!("the writer ended by itself: {acks:?}") };
        acks.extend(ack(&line));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // A line that was cut off was not said.
    acks.extend(said.filter_map(|line| ack(&line)));
    acks
}

fn ack(line: &str) -> Option<(usize, u64)> {
    let (task, round) = line.strip_prefix("ack ")?.strip_suffix(" .")?.split_once(' ')?;
    Some((task.parse().unwrap(), round.parse().unwrap()))
}

/// This test binary once more, which then runs the one function below.
fn child(store: &FsPath) -> Child {
    let name = concat!(module_path!(), "::the_writer_writes_when_it_is_the_child");
    let name = name.split_once("::").unwrap().1;
    Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(STORE, store)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// In the child: writes batches from several tasks until it is killed. Otherwise: nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_writes_when_it_is_the_child() {
    let Some(path) = env::var_os(STORE) else { return };
    let store = std::sync::Arc::new(Embedded::open(FsPath::new(&path), PRODUCTION).unwrap());
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = std::sync::Arc::clone(&store);
        tasks.spawn(async move {
            for round in head(&store, task).await + 1.. {
                store.commit(batch(&store, task, round).await).await.unwrap();
                let line = format!("ack {task} {round} .\n");
                stdout().write_all(line.as_bytes()).unwrap();
                stdout().flush().unwrap();
            }
        });
    }
    tasks.join_all().await;
}

/// The parts of a round, the head that counts the rounds, and the end of a round of long ago.
async fn batch(store: &Embedded, task: usize, round: u64) -> Batch {
    let at = format!("head/{task}");
    let expect = get(store, &at).await.map_or(Expect::Absent, |entry| Expect::At(entry.revision));
    let part = |part: usize| (path(&format!("part/{task}/{round}/{part}")), value(round, part));
    let put = (0..PARTS).map(part).chain([(path(&at), Bytes::from(round.to_string()))]).collect();
    let old = round.checked_sub(KEEP);
    let delete = old.into_iter().flat_map(|old| (0..PARTS).map(move |part| path(&format!("part/{task}/{old}/{part}"))));
    Batch { expect: vec![(path(&at), expect)], put, delete: delete.collect() }
}

/// From some bytes to more than a page.
fn value(round: u64, part: usize) -> Bytes {
    vec![round as u8; 10 + (round as usize * 97 + part * 1_201) % 6_000].into()
}

async fn head(store: &Embedded, task: usize) -> u64 {
    text(store, &format!("head/{task}")).await.map_or(0, |round| round.parse().unwrap())
}

/// How many parts of a round are there. Each must be what was written.
async fn parts(store: &Embedded, task: usize, round: u64) -> usize {
    let found = store.list(&format!("part/{task}/{round}/"), None, 100).await.unwrap();
    for (part, (path, entry)) in found.iter().enumerate() {
        assert_eq!(entry.value, value(round, part), "{path}");
    }
    found.len()
}
