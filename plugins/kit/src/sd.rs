//! Tells the service manager (systemd) how far we are. Does nothing where there is none.

use sd_notify::NotifyState;
use tracing::debug;

/// Serving.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// On the way out.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// One line for `systemctl status`.
pub fn status(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

/// Still alive; to be sent within the watchdog's period.
pub fn watchdog() {
    tell(&[NotifyState::Watchdog]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!(%error, "Service manager was not told");
    }
}
