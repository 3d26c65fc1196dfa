//! Processes end with their handle, and with the test.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use keyward_testbed::{Process, wait_until};
use tempfile::TempDir;

fn lives(pid: u32) -> bool {
    // A killed process that nobody has waited for yet still has a folder; its state says Z.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_dropped_handle_ends_its_process() {
    let dir = TempDir::new().unwrap();
    let process = Process::start("sleep", Path::new("sleep"), ["600"], &dir.path().join("log"));
    let pid = process.id();
    assert!(lives(pid));
    drop(process);
    assert!(!lives(pid));
}

#[tokio::test]
async fn a_server_dies_with_the_test_process_and_not_with_a_thread() {
    if let Ok(pid_file) = std::env::var("TESTBED_PID_FILE") {
        let log = Path::new(&pid_file).with_extension("log");
        // The thread that asked for the process ends before the process is looked at.
        let process =
            std::thread::spawn(move || Process::start("sleep", Path::new("sleep"), ["600"], &log)).join().unwrap();
        assert!(lives(process.id()));
        std::fs::write(&pid_file, process.id().to_string()).unwrap();
        std::process::abort(); // no destructor runs
    }
    let dir = TempDir::new().unwrap();
    let pid_file = dir.path().join("pid");
    let name = "process::a_server_dies_with_the_test_process_and_not_with_a_thread";
    let status = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact"])
        .env("TESTBED_PID_FILE", &pid_file)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success(), "it aborts");
    let pid: u32 = std::fs::read_to_string(&pid_file).unwrap().parse().unwrap();
    wait_until("the orphan is gone", async || !lives(pid)).await;
}

#[tokio::test]
async fn the_log_of_a_process_is_kept_and_its_end_is_seen() {
    let dir = TempDir::new().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "echo $WORD; pwd; echo oops >&2; exit 7"]).env("WORD", "hello").current_dir("/");
    let mut process = Process::start_command("sh", command, &dir.path().join("log"));
    let status = process.wait_for_exit(Duration::from_secs(60)).await;
    assert_eq!((status.code(), process.log().as_str()), (Some(7), "hello\n/\noops\n"));
}

#[tokio::test]
#[should_panic(expected = "the reason of its death")]
async fn waiting_for_a_dead_process_tells_its_last_words() {
    let dir = TempDir::new().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "echo the reason of its death; exit 1"]);
    let mut process = Process::start_command("sh", command, &dir.path().join("log"));
    process.wait_ready("something that never comes", async || false).await;
}
