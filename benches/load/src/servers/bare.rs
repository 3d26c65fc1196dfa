//! The ceilings, as processes of their own: this program, called with another word.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use keyward_testbed::{Process, TestCa, free_port};

use super::write_private;
use crate::{
    load::{Credentials, Place},
    measure::Measured,
};

/// Encrypt and Decrypt with nothing but the AEAD.
pub(crate) struct BareCrypto {
    address: SocketAddr,
    ca: String,
    process: Process,
}

impl BareCrypto {
    /// Starts it.
    pub(crate) async fn start(folder: &Path) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let ca = TestCa::new("bench");
        let (certificate, key) = ca.server(&[]);
        let (certificate_file, key_file) = (folder.join("server.pem"), folder.join("server.key"));
        write_private(&certificate_file, &certificate);
        write_private(&key_file, &key);
        let mut process = own(
            &["bare-crypto", "--listen", &address.to_string()],
            &[("--certificate", &certificate_file), ("--key", &key_file)],
            folder,
        );
        process.wait_ready("its port", async || std::net::TcpStream::connect(address).is_ok()).await;
        Self { address, ca: ca.pem().to_owned(), process }
    }

    /// Where it is, called with a new key, as the broker is.
    pub(crate) fn place(&self) -> Place {
        Credentials::make().at(self.address, &self.ca)
    }

    /// Its process.
    pub(crate) fn measured(&self) -> Measured {
        Measured(self.process.id())
    }
}

/// The KMS API that answers with what it was sent.
pub(crate) struct BareKms {
    socket: PathBuf,
    process: Process,
}

impl BareKms {
    /// Starts it.
    pub(crate) async fn start(folder: &Path) -> Self {
        let socket = folder.join("kms.sock");
        let mut process = own(&["bare-kms"], &[("--socket", &socket)], folder);
        process.wait_ready("its socket", async || std::os::unix::net::UnixStream::connect(&socket).is_ok()).await;
        Self { socket, process }
    }

    /// Where it is.
    pub(crate) fn place(&self) -> Place {
        Place::Socket(self.socket.clone())
    }

    /// Its process.
    pub(crate) fn measured(&self) -> Measured {
        Measured(self.process.id())
    }
}

fn own(words: &[&str], files: &[(&str, &PathBuf)], folder: &Path) -> Process {
    let program = env::current_exe().expect("this program is a file");
    let mut args: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    args.extend(files.iter().flat_map(|(name, file)| [(*name).to_owned(), file.display().to_string()]));
    Process::start(words.first().copied().unwrap_or_default(), &program, args, &folder.join("log"))
}
