//! What the service manager hears.

use std::{os::unix::net::UnixDatagram, time::Duration};

use rustix::process::Signal;

use crate::support::{Daemon, Wanted};

/// Reads until a state was told; all that was told by then.
fn heard(manager: &UnixDatagram, state: &str) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let mut bytes = [0; 4_096];
        let length = manager.recv(&mut bytes).unwrap_or_else(|error| panic!("{state} is not told ({error}): {all:?}"));
        let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
        all.extend(text.lines().map(str::to_owned));
        if all.iter().any(|line| line == state) {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_hears_when_it_is_ready_that_it_lives_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let env = [("NOTIFY_SOCKET", socket.to_str().unwrap())];
    let mut daemon = Daemon::start_as(&Wanted { env: &env, ..Wanted::default() }).await;
    let before = heard(&manager, "READY=1");
    assert!(!before.iter().any(|line| line == "STOPPING=1"), "{before:?}");
    // Again and again, within any watchdog's period.
    for _ in 0..2 {
        heard(&manager, "WATCHDOG=1");
    }
    daemon.process().signal(Signal::TERM);
    heard(&manager, "STOPPING=1");
    assert!(daemon.process_mut().stop().await.success());
}
