use std::path::Path;

use super::{PASSWORD, child, stage};
use rustix::process::Signal;

#[tokio::test(flavor = "multi_thread")]
async fn files_lie_in_memory_are_private_and_go_away() {
    let stage = stage().await;
    let place = tempfile::TempDir::new_in("/dev/shm").unwrap();
    let exact = place.path().join("exact");
    let file = format!("{}=prod/db/main#password", exact.display());
    let script =
        "cd \"$KEYWARD_FILES\" && stat -c %a . key && stat -f -c %T . && cat key && echo && stat -c %a \"$0\" && pwd";
    let exact_text = exact.display().to_string();
    let args = [
        "run",
        "--role",
        "deploy",
        "--file",
        "key=prod/db/main#password",
        "--file",
        &file,
        "--",
        "sh",
        "-c",
        script,
        &exact_text,
    ];
    let said = stage.gitlab().ok(&args);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..5], ["700", "600", "tmpfs", PASSWORD, "600"], "{said}");
    assert!(!Path::new(lines[5]).exists() && !exact.exists());
    // One that is there is not written over, and the command does not start.
    std::fs::write(&exact, "mine").unwrap();
    let ran = stage.gitlab().run(&args);
    assert_eq!((ran.code(), ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&exact).unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_away_when_the_run_is_told_to_end() {
    let stage = stage().await;
    let job = stage.gitlab();
    // In one write, so that the folder is there when `ready` is seen.
    let script = "printf 'ready\\n%s\\n' \"$KEYWARD_FILES\"; exec sleep 600";
    let (mut run, mut output) = child::ready(&job, &["--file", "key=prod/db/main#password"], script);
    child::send(&run, Signal::TERM);
    assert_eq!(run.wait().unwrap().code(), Some(143));
    let folder = child::rest(&mut output);
    assert!(folder.contains("keyward-run-") && !Path::new(folder.trim()).exists(), "{folder}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_takes_no_secret_unless_that_is_allowed() {
    let stage = stage().await;
    let disk = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = disk.path().join("key");
    let file = format!("{}=prod/db/main#password", at.display());
    let at = at.display().to_string();
    let refused = stage.gitlab().run(&["run", "--role", "deploy", "--file", &file, "--", "cat", &at]);
    assert_eq!((refused.code(), refused.stdout.as_str()), (1, ""), "{refused:?}");
    assert!(refused.stderr.contains("--allow-disk"), "{refused:?}");
    assert!(!Path::new(&at).exists());
    let allowed = stage.gitlab().ok(&["run", "--role", "deploy", "--allow-disk", "--file", &file, "--", "cat", &at]);
    assert_eq!(allowed, PASSWORD);
    assert!(!Path::new(&at).exists());
}
