//! The daemon and the command line.

use std::process::ExitCode;

use keyward::cli::{self, Run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keyward_kit::tls::install_provider();
    match cli::run(std::env::args_os()) {
        Run::Done(code) => code,
        #[cfg(feature = "server")]
        Run::Server(args) => keyward::app::server(&daemon::Server(args)),
        #[cfg(feature = "server")]
        Run::Dev(args) => keyward::app::dev(&daemon::Dev(args)),
    }
}

/// The command line's words for the daemon, which does not know the command line.
#[cfg(feature = "server")]
mod daemon {
    use std::path::Path;

    use keyward::{
        app::{DevArguments, DevWhat, ServerArguments},
        cli::{DevArgs, DevCommand, ServerArgs},
        config::OlderStore,
    };

    pub(super) struct Server(pub(super) ServerArgs);

    impl ServerArguments for Server {
        fn config(&self) -> &Path {
            &self.0.config
        }
        fn check_only(&self) -> bool {
            self.0.check
        }
        fn older(&self) -> OlderStore {
            if self.0.accept_older_store { OlderStore::Accept } else { OlderStore::Refuse }
        }
    }

    pub(super) struct Dev(pub(super) DevArgs);

    impl DevArguments for Dev {
        fn what(&self) -> DevWhat {
            match self.0.command {
                Some(DevCommand::Stop) => DevWhat::Stop,
                None if self.0.detach => DevWhat::Detach,
                None => DevWhat::Foreground,
            }
        }
        fn dir(&self) -> Option<&Path> {
            self.0.dir.as_deref()
        }
        fn port(&self) -> u16 {
            self.0.port
        }
    }
}
