//! The command: started with its secrets, told of signals, waited for.

use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::Child,
    signal::unix::{Signal as Incoming, SignalKind, signal},
};

use crate::cli::CliError;

/// The signals that are passed on. Listening to them also keeps them from ending this process before it has cleaned up.
pub(super) struct Signals {
    incoming: [(Signal, Incoming); 6],
}

impl Signals {
    /// From now on.
    pub(super) fn listen() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).map_err(|error| CliError::other("listening to signals", error));
        Ok(Self {
            incoming: [
                (Signal::TERM, listen(SignalKind::terminate())?),
                (Signal::INT, listen(SignalKind::interrupt())?),
                (Signal::HUP, listen(SignalKind::hangup())?),
                (Signal::QUIT, listen(SignalKind::quit())?),
                (Signal::USR1, listen(SignalKind::user_defined1())?),
                (Signal::USR2, listen(SignalKind::user_defined2())?),
            ],
        })
    }

    /// The next that comes.
    pub(super) async fn next(&mut self) -> Signal {
        let waiting = self.incoming.iter_mut().map(|(name, incoming)| {
            Box::pin(async move {
                incoming.recv().await;
                *name
            })
        });
        futures_util::future::select_all(waiting).await.0
    }

    /// The next that asks to end. Others are of no meaning before there is a command.
    pub(super) async fn next_end(&mut self) -> Signal {
        loop {
            let next = self.next().await;
            if ![Signal::USR1, Signal::USR2].contains(&next) {
                return next;
            }
        }
    }
}

/// Waits for the command's end and passes signals on.
pub(super) async fn wait(mut child: Child, signals: &mut Signals) -> Result<u8, CliError> {
    loop {
        tokio::select! {
            biased;
            ended = child.wait() => {
                return ended.map(code).map_err(|error| CliError::other("waiting for the command", error));
            }
            next = signals.next() => {
                if !comes_from_the_terminal(next) {
                    pass_on(&child, next);
                }
            }
        }
    }
}

/// As shells count: the command's own code, or 128 and the number of the signal that ended it.
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let ended = status.code().or_else(|| status.signal().map(|number| 128 + number));
    ended.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The exit code of a run that a signal ended before there was a command.
pub(super) fn code_of(signal: Signal) -> u8 {
    u8::try_from(128 + signal.as_raw()).unwrap_or(1)
}

fn pass_on(child: &Child, signal: Signal) {
    // None once it was waited for, so the number cannot be another process's by now.
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // One that just ended needs no signal.
        let _gone = kill_process(pid, signal);
    }
}

/// Keys such as Ctrl-C reach the command by themselves, as it is in the same process group. Told twice, some programs
/// (Terraform) stop without cleaning up.
fn comes_from_the_terminal(signal: Signal) -> bool {
    if ![Signal::INT, Signal::QUIT].contains(&signal) {
        return false;
    }
    let Ok(terminal) = std::fs::File::open("/dev/tty") else { return false };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|front| front == rustix::process::getpgrp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_that_shells_give() {
        let ended = |command: &str| code(std::process::Command::new("sh").args(["-c", command]).status().unwrap());
        assert_eq!(ended("exit 0"), 0);
        assert_eq!(ended("exit 7"), 7);
        assert_eq!(ended("exit 255"), 255);
        assert_eq!(ended("kill -TERM $$"), 143);
        assert_eq!(ended("kill -KILL $$"), 137);
        assert_eq!(code_of(Signal::INT), 130);
    }
}
