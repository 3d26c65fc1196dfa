//! Tells the broker what this node holds: after each change, and again when the broker wants to hear of it.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use keyward_kit::endpoints::Backoff;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::Witness;
use crate::{
    broker::{LogCheckpoint, Reported, SeenLogs},
    serve::Provider,
};

const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(60) };

/// Reports until told to stop. What is seen of the broker's audit log is kept in the node's folder.
pub async fn report(provider: Arc<Provider>, folder: PathBuf, stop: CancellationToken) {
    let mut witness = Witness::load(&folder).await;
    let mut failures = 0u32;
    let mut wait = Duration::ZERO;
    loop {
        let due = async {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = provider.changed() => {}
            }
        };
        if stop.run_until_cancelled(due).await.is_none() {
            return;
        }
        let Some(served) = provider.served() else {
            wait = Duration::from_secs(60); // a change wakes us
            continue;
        };
        let held = served.held();
        let seen = SeenLogs { sizes: witness.sizes(), refused: witness.refused().map(ToString::to_string) };
        let Some(answer) = stop.run_until_cancelled(provider.broker().report(&held, &seen)).await else { return };
        wait = match answer {
            Ok(Reported { again, give_back, checkpoint }) => {
                failures = 0;
                if let Some(checkpoint) = checkpoint {
                    keep(&provider, &mut witness, &checkpoint).await;
                }
                if give_back {
                    let given = provider.broker().give_back(served.keyset());
                    match stop.run_until_cancelled(given).await {
                        None => return,
                        Some(Ok(())) => {
                            info!(cluster = %provider.settings().cluster, "Key versions given back to a restored broker");
                        }
                        Some(Err(error)) => {
                            warn!(cluster = %provider.settings().cluster, %error, "Key versions not taken back");
                        }
                    }
                }
                again
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                debug!(cluster = %provider.settings().cluster, %error, failures, "Report was not taken");
                BACKOFF.rest(failures)
            }
        };
    }
}

async fn keep(provider: &Provider, witness: &mut Witness, checkpoint: &LogCheckpoint) {
    let cluster = &provider.settings().cluster;
    let known = witness.refused().cloned();
    let taken = witness.take(checkpoint).await;
    provider.metrics().broker_log_refused.store(u64::from(taken.is_err()), Ordering::Relaxed);
    match taken {
        Ok(()) if known.is_some() => info!(%cluster, "Broker's audit log continues what this node has seen again"),
        Ok(()) => {}
        Err(refused) if known.as_ref() == Some(&refused) => {}
        Err(refused) => error!(
            %cluster, %refused,
            "Broker's audit log is not the one that this node has seen; compare it with the checkpoint kept here"
        ),
    }
}
