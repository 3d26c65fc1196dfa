//! The real KMS provider, joined to a cluster of the broker, in mode `local`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use keyward_testbed::Process;

use super::{Broker, NAME};
use crate::{load::Place, measure::Measured};

/// A running `keyward-kube-kms serve`.
pub(crate) struct Provider {
    programs: PathBuf,
    folder: PathBuf,
    process: Process,
}

impl Provider {
    /// Registers a cluster, joins it, and serves.
    pub(crate) async fn start(programs: &Path, folder: &Path, broker: &Broker) -> Self {
        let dir = folder.display();
        let settings = format!(
            "state_dir = \"{dir}/state\"\n[ops]\nlisten = \"\"\n[log]\nlevel = \"warn\"\n\
             [[cluster]]\nname = \"{NAME}\"\nsocket = \"{dir}/@kms.sock\"\n"
        );
        fs::write(folder.join("kube-kms.toml"), settings).expect("the settings can be written");
        let cli = broker.operator();
        cli.keyward(&["cluster", "register", NAME], "");
        let endpoint = broker.address().to_string();
        let token = cli.keyward(&["cluster", "join-token", NAME, "--endpoint", &endpoint], "");
        cli.run("keyward-kube-kms", &["join", "--config", &format!("{dir}/kube-kms.toml")], &token);
        let mut process = serve(programs, folder);
        let socket = folder.join("@kms.sock");
        process.wait_ready("its socket", async || std::os::unix::net::UnixStream::connect(&socket).is_ok()).await;
        Self { programs: programs.to_owned(), folder: folder.to_owned(), process }
    }

    /// Where it is.
    pub(crate) fn place(&self) -> Place {
        Place::Socket(self.folder.join("@kms.sock"))
    }

    /// Its process.
    pub(crate) fn measured(&self) -> Measured {
        Measured(self.process.id())
    }

    /// Stops it in order.
    pub(crate) async fn stop(&mut self) {
        self.process.stop().await;
    }

    /// Starts it, once it was stopped; returns at once.
    pub(crate) fn start_again(&mut self) {
        self.process = serve(&self.programs, &self.folder);
    }
}

fn serve(programs: &Path, folder: &Path) -> Process {
    let config = folder.join("kube-kms.toml").display().to_string();
    let program = programs.join("keyward-kube-kms");
    Process::start("keyward-kube-kms", &program, ["serve", "--config", &config], &folder.join("log"))
}
