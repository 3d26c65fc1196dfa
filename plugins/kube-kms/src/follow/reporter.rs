//! Tells the broker what this node holds: after each change, and again when the broker wants to hear of it.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use keyward_kit::endpoints::Backoff;
use keyward_sdk::time::{SharedClock, Span, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::{Taken, Witness};
use crate::{
    broker::{LogCheckpoint, Reported, SeenLogs},
    serve::Provider,
};

const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(60) };

/// After so long without a newer checkpoint, although the broker answers, it is said.
const SILENT: Span = Span::from_secs(86_400);

/// Reports until told to stop. What is seen of the broker's audit log is kept in the node's folder.
pub async fn report(provider: Arc<Provider>, folder: PathBuf, clock: SharedClock, stop: CancellationToken) {
    let mut witness = Witness::load(&folder, clock.now()).await;
    let mut silence_told = false;
    count(&provider, &witness);
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
                    keep(&provider, &mut witness, &checkpoint, clock.now()).await;
                }
                let silent = witness.silent_for(clock.now()) >= SILENT;
                if silent && !silence_told {
                    let cluster = &provider.settings().cluster;
                    warn!(%cluster, "Broker answers, and its audit log was not seen to grow for a day");
                }
                silence_told = silent;
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

async fn keep(provider: &Provider, witness: &mut Witness, checkpoint: &LogCheckpoint, now: Timestamp) {
    let cluster = &provider.settings().cluster;
    let known = witness.refused().cloned();
    let taken = witness.take(checkpoint, now).await;
    count(provider, witness);
    match taken {
        Ok(Taken::Begun(log)) => warn!(
            %cluster, %log, known = ?witness.sizes(),
            "Broker began another audit log; unless the folder of the known one was lost, ask why"
        ),
        Ok(_) if known.is_some() => info!(%cluster, "Broker's audit log continues what this node has seen again"),
        Ok(_) => {}
        Err(refused) => {
            provider.metrics().broker_log_refusals.fetch_add(1, Ordering::Relaxed);
            if known.as_ref() != Some(&refused) {
                error!(
                    %cluster, %refused,
                    "Broker's audit log is not the one that this node has seen; compare it with the checkpoint kept here"
                );
            }
        }
    }
}

fn count(provider: &Provider, witness: &Witness) {
    let metrics = provider.metrics();
    metrics.broker_log_refused.store(u64::from(witness.refused().is_some()), Ordering::Relaxed);
    metrics.broker_logs.store(witness.sizes().len() as u64, Ordering::Relaxed);
    metrics.broker_log_seen.store(witness.newest().map_or(0, |newest| newest.as_secs()), Ordering::Relaxed);
}
