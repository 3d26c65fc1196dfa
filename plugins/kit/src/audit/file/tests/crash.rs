//! A process that is killed while it appends.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use super::*;

const DIR: &str = "KEYWARD_TEST_CRASH_DIR";

/// Appends and says on standard output which sequences were acknowledged, until it is killed. On its own, a few.
#[test]
fn child_that_appends() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let own = TempDir::new().unwrap();
    let given = std::env::var_os(DIR);
    let dir = given.as_deref().map_or(own.path(), Path::new);
    let log = FileLog::open(Arc::new(Disk::open(dir).unwrap()), &options()).unwrap();
    runtime.block_on(async {
        let mut out = std::io::stdout().lock();
        for n in 0.. {
            let durability = if n % 16 == 0 { Durability::Fsync } else { Durability::Os };
            let batch = (0..8).map(|_| log.append(body("m"), durability, Priority::Normal, SOON));
            for sequence in futures_util::future::join_all(batch).await {
                writeln!(out, "acknowledged {}", sequence.unwrap()).unwrap();
            }
            out.flush().unwrap();
            if given.is_none() && n == 3 {
                break;
            }
        }
    });
}

#[test]
fn what_was_acknowledged_survives_a_kill_and_the_log_stays_sound() {
    let dir = TempDir::new().unwrap();
    let mut last = 0;
    for round in 0..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "audit::file::tests::crash::child_that_appends", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        for line in lines {
            let Some(sequence) = line.unwrap().strip_prefix("acknowledged ").and_then(|n| n.parse::<u64>().ok()) else {
                continue;
            };
            last = last.max(sequence);
            seen += 1;
            if seen == 40 + round * 7 {
                child.kill().unwrap(); // what it wrote before stays in the pipe and is read on
            }
        }
        child.wait().unwrap();
        assert!(seen >= 40, "the child ended by itself after {seen}");
        let found = methods(&dir).len() as u64;
        assert!(found > last, "{last} was acknowledged and there are {found}");
        assert_sound(&dir);
    }
}
