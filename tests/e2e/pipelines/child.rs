use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{PASSWORD, stage, with_password};
use crate::support::Keyward;

/// A run whose command has said `ready`.
pub(super) fn ready(job: &Keyward, more: &[&str], script: &str) -> (Child, BufReader<ChildStdout>) {
    let args = ["run", "--role", "deploy", "--env", "DB_PASSWORD=prod/db/main#password"];
    let mut command = job.command([&args[..], more, &["--", "sh", "-c", script]].concat());
    // A group of its own, as in a CI system: in a terminal's group, Ctrl-C would be the terminal's to send.
    let mut child = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n", "{}", rest(child.stderr.as_mut().unwrap()));
    (child, output)
}

pub(super) fn rest(from: &mut impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

pub(super) fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_the_commands() {
    let stage = stage().await;
    let job = stage.gitlab();
    for (script, code) in [("exit 0", 0), ("exit 42", 42), ("kill -KILL $$", 137), ("kill -TERM $$", 143)] {
        assert_eq!(with_password(&job, script).code(), code, "{script}");
    }
    let run = |command: &str| job.run(&["run", "--role", "deploy", "--", command]);
    let missing = run("no-such-command");
    assert_eq!(missing.code(), 127);
    assert!(missing.stderr.contains("no-such-command"), "{missing:?}");
    assert_eq!(run("/dev/null").code(), 126);
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_reach_the_command_and_it_decides() {
    let stage = stage().await;
    let job = stage.gitlab();
    for (signal, name) in [
        (Signal::TERM, "TERM"),
        (Signal::INT, "INT"),
        (Signal::HUP, "HUP"),
        (Signal::QUIT, "QUIT"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
    ] {
        let script = format!("trap 'echo caught {name}; exit 9' {name}; echo ready; while :; do sleep 0.05; done");
        let (mut child, mut output) = ready(&job, &[], &script);
        send(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(9), "{name}");
        assert_eq!(rest(&mut output), format!("caught {name}\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_in_no_arguments_no_output_and_no_audit_record() {
    let stage = stage().await;
    let job = stage.gitlab();
    let script = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let (mut child, mut output) = ready(&job, &["--file", "key=prod/db/main#password"], script);
    let seen = |file: String| {
        std::fs::read(file).is_ok_and(|bytes| bytes.windows(PASSWORD.len()).any(|w| w == PASSWORD.as_bytes()))
    };
    let (run, mut checked) = (child.id(), 0);
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.parse::<u32>().is_ok() {
            assert!(!seen(format!("/proc/{name}/cmdline")), "{name}");
            checked += 1;
        }
    }
    assert!(checked > 1);
    assert!(!seen(format!("/proc/{run}/environ")));
    send(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!((rest(&mut output), rest(child.stderr.as_mut().unwrap())), (String::new(), String::new()));
    let mut files = 0;
    for entry in std::fs::read_dir(stage.broker.folder().join("audit")).unwrap().flatten() {
        files += 1;
        assert!(!seen(entry.path().display().to_string()), "{entry:?}");
    }
    assert!(files > 0);
    assert!(!seen(stage.broker.folder().join("keyward.store").display().to_string()));
}
