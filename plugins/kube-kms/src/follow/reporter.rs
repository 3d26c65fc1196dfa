//! Tells the broker what this node holds: after each change, and again when the broker wants to hear of it.

use std::{sync::Arc, time::Duration};

use keyward_kit::endpoints::Backoff;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{broker::Reported, serve::Provider};

const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(60) };

/// Reports until told to stop.
pub async fn report(provider: Arc<Provider>, stop: CancellationToken) {
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
        let Some(answer) = stop.run_until_cancelled(provider.broker().report(&held)).await else { return };
        wait = match answer {
            Ok(Reported { again, give_back }) => {
                failures = 0;
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
