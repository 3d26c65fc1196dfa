//! What is done by the clock: ends of tenants, renewal of the certificate, what is no longer needed.

use std::{sync::Arc, time::Duration};

use keyward_sdk::time::SharedClock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    audit::Audit,
    engine::{EngineError, Lifecycle, World, housekeeping, key, tenant},
    keyring::Changes,
    pipeline,
};

/// How often.
const EVERY: Duration = Duration::from_secs(60);
/// How long a job may take.
const WITHIN: Duration = Duration::from_secs(30);
/// How many batches of keys in one round. The rest is due in the next.
const BATCHES: usize = 8;

/// Runs the jobs once a minute while the broker is open, and settles what a crash left as soon as it opens.
pub(super) async fn minutely(
    lifecycle: Arc<Lifecycle>,
    audit: Arc<Audit>,
    clock: SharedClock,
    stop: CancellationToken,
) {
    let mut recovered = false;
    loop {
        lifecycle.forget_old_shares();
        if let Ok(world) = lifecycle.world() {
            if !recovered {
                recovered = recover(&world, &audit).await;
            }
            let done = tokio::time::timeout(WITHIN, run(&lifecycle, &world, &audit, &clock)).await;
            match done {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn!(%error, "Job failed, to be tried again"),
                Err(_) => warn!("Job took too long, to be tried again"),
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = lifecycle.opened() => recovered = false,
            () = tokio::time::sleep(EVERY) => lifecycle.try_again().await,
        }
    }
}

/// Whether everything is recorded that an earlier run left unrecorded.
async fn recover(world: &World, audit: &Arc<Audit>) -> bool {
    match pipeline::recover(world, audit, Instant::now() + WITHIN).await {
        Ok(0) => true,
        Ok(settled) => {
            warn!(settled, "Outcomes recorded that a crash had cut short");
            true
        }
        Err(error) => {
            warn!(%error, "Outcomes that a crash cut short not recorded yet, to be tried again");
            false
        }
    }
}

async fn run(lifecycle: &Lifecycle, world: &World, audit: &Arc<Audit>, clock: &SharedClock) -> Result<(), EngineError> {
    let now = clock.now();
    let owed = pipeline::settle_owed(world, audit, Instant::now() + WITHIN).await?;
    if owed > 0 {
        info!(owed, "Outcomes recorded that no audit sink had taken");
    }
    if let Some(changes) = tenant::purge_due(world, now)? {
        recorded(world, audit, "tenant.purged", Vec::new(), changes).await?;
        info!("Tenants destroyed whose waiting period was over");
    }
    for _ in 0..BATCHES {
        let Some(due) = key::destroy_due(world, now)? else { break };
        keys(world, audit, "key.destroyed", due).await?;
        info!("Keys destroyed whose waiting period was over");
    }
    for _ in 0..BATCHES {
        let Some(due) = key::rotate_due(world, now).await? else { break };
        keys(world, audit, "key.rotated", due).await?;
        info!("Keys rotated whose period was over");
    }
    if lifecycle.certificate_is_due(now) {
        lifecycle.serve_certificate(world);
    }
    housekeeping::minutely(lifecycle, world, now).await;
    pipeline::forget_replies(world, now).await
}

/// The same for keys, each by name.
async fn keys(world: &World, audit: &Arc<Audit>, what: &'static str, due: key::Due) -> Result<(), EngineError> {
    let tenant = due.tenant.to_string();
    let mut details = vec![("tenant", tenant.as_str())];
    details.extend(due.names.iter().map(|name| ("key", name.as_str())));
    recorded(world, audit, what, details, due.changes).await
}

/// Commits what the clock asks for, once it is in the audit log.
async fn recorded(
    world: &World,
    audit: &Arc<Audit>,
    what: &'static str,
    details: Vec<(&str, &str)>,
    changes: Changes,
) -> Result<(), EngineError> {
    let recorded = audit.system(what, details, keyward_kit::audit::Durability::Fsync, Instant::now() + WITHIN).await;
    recorded.map_err(|error| EngineError::Unavailable(error.to_string()))?;
    world.vault.commit(changes).await?;
    Ok(())
}
