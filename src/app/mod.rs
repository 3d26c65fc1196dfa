//! Wiring: from settings and bound sockets to a running daemon, and its orderly end.

mod build;
mod dev;
pub mod jobs;
mod main;
mod ops;
mod private;
mod run;
mod tls;

use std::sync::Arc;

use keyward_sdk::time::Clock;

pub use self::{
    build::BuildError,
    dev::{DevArguments, DevWhat, dev},
    main::{ServerArguments, server},
    ops::Ops,
};
use crate::{
    audit::Audit,
    config::Config,
    engine::Lifecycle,
    grpc::{door::Door, listener::Listener},
    identity::ClientAuthorities,
    pipeline::Pipeline,
};

/// A daemon that is put together and not yet running: sockets are bound, the store is open, nothing is spawned.
pub struct App {
    config: Config,
    listener: Listener,
    ops: Ops,
    served: tls::Served,
    authorities: Option<(tls::AuthoritiesFile, Arc<ClientAuthorities>)>,
    lifecycle: Arc<Lifecycle>,
    audit: Arc<Audit>,
    door: Door,
    clock: Arc<dyn Clock>,
}

impl App {
    /// The pipeline, for tests in this process.
    #[must_use]
    pub fn pipeline(&self) -> &Arc<Pipeline> {
        self.door.pipeline()
    }
}
