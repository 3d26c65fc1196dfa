//! Runs a daemon until it is told to stop, or until a task that must not end has ended.

use std::{future::Future, time::Duration};

use keyward_kit::{
    sd,
    tasks::{Ended, Tasks},
};
use tracing::{info, warn};

use super::{App, jobs};
use crate::{engine::EngineError, grpc};

/// How often the service manager hears from us.
const WATCHDOG: Duration = Duration::from_secs(5);

impl App {
    /// Where the API is served.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn api_addr(&self) -> std::io::Result<std::net::SocketAddr> {
        self.listener.api_addr()
    }

    /// Where metrics and health are served.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ops_addr(&self) -> std::io::Result<std::net::SocketAddr> {
        self.ops.addr()
    }

    /// Serves until `shutdown`, then stops accepting, finishes what is in flight within the grace of the settings, and
    /// writes and signs the last of the audit log.
    ///
    /// # Errors
    /// [`Ended`]: the task whose end stopped the daemon.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Ended> {
        let Self { config, listener, ops, served, authorities, lifecycle, audit, door, clock } = self;
        let pipeline = door.pipeline().clone();
        let mut tasks = Tasks::new();
        let stopping = tasks.stopping();
        let described = grpc::with_description(grpc::routes(&door)).await;
        let (routes, health) = described.map_err(|error| Ended::Failed("api".to_owned(), error.into()))?;
        let tls = served.config().map_err(|error| Ended::Failed("api".to_owned(), error.into()))?;
        tasks.own("audit checkpoints", audit.clone().checkpoints(stopping.clone()));
        tasks.own("jobs", jobs::Jobs::new(lifecycle.clone(), audit.clone(), clock).minutely(stopping.clone()));
        tasks.own("health", grpc::follow_seal(lifecycle.clone(), health, stopping.clone()));
        tasks.own("certificate", served.follow(stopping.clone()));
        if let Some((file, into)) = authorities {
            tasks.own("client authorities", file.follow(into, stopping.clone()));
        }
        tasks.own("ops", ops.serve(lifecycle.clone(), audit.clone(), stopping.clone()));
        tasks.own("api", listener.serve(routes, tls, stopping.clone(), config.grace));
        match lifecycle.open_by_itself().await {
            Ok(opened) => info!(state = ?opened, "Serving"),
            Err(error @ EngineError::State { reason: "NOT_OPENED", .. }) => {
                warn!(%error, "Sealed: no path opens the root key without people");
            }
            Err(error) => warn!(%error, "Sealed: what the root key opens is refused"),
        }
        sd::ready();
        tasks.own("watchdog", async move {
            loop {
                sd::watchdog();
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(WATCHDOG) => {}
                }
            }
        });
        let cause = tokio::select! {
            () = shutdown => Ok(()),
            ended = tasks.first_end() => Err(ended),
        };
        sd::stopping();
        info!("Stopping");
        lifecycle.stopping();
        let drained = tasks.drain(config.grace + Duration::from_secs(2)).await;
        pipeline.drain(config.grace).await;
        lifecycle.stop();
        if let Err(error) = audit.close().await {
            warn!(%error, "Audit log not closed in order");
        }
        lifecycle.close();
        cause.and(drained)
    }
}
