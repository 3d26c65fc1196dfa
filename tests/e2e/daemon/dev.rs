//! `keyward dev --detach` and `stop`, as a process.

use std::process::{Command, Stdio};

use crate::support::Keyward;

#[test]
fn stop_ends_the_broker_of_this_folder_and_nothing_else() {
    let keyward = Keyward::alone();
    keyward.ok(&["dev", "--detach", "--dir", "it's here", "--port", "0"]);
    let folder = keyward.home().join("it's here");
    let again = keyward.run(&["dev", "--detach", "--dir", "it's here", "--port", "0"]);
    assert!(again.code() == 1 && again.stderr.contains("keyward dev stop --dir"), "{again:?}");
    // What is exported holds in any folder.
    let list = format!(". \"./it's here/env\"; cd /; {} secret list", Keyward::program().display());
    keyward.shell(&list).ok();
    keyward.ok(&["dev", "stop", "--dir", "it's here"]);

    // A number that is another process's by now, though its command line speaks of dev.
    let mut other = Command::new("sh").args(["-c", "read _", "dev", "--dir"]).stdin(Stdio::piped()).spawn().unwrap();
    std::fs::write(folder.join("pid"), other.id().to_string()).unwrap();
    let none = keyward.run(&["dev", "stop", "--dir", "it's here"]);
    assert!(none.code() == 1 && none.stderr.contains("no dev broker runs"), "{none:?}");
    assert!(other.try_wait().unwrap().is_none(), "it lives");
    drop(other.stdin.take());
    other.wait().unwrap();

    // A folder that somebody else can write into is not believed.
    std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let open = keyward.run(&["dev", "stop", "--dir", "it's here"]);
    assert!(open.code() == 1 && open.stderr.contains("can be written by others"), "{open:?}");
}
