//! Watches the keyset at the broker; reconnects with a growing, jittered rest.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use keyward_kit::endpoints::Backoff;
use tokio::{sync::mpsc::Sender, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{
    broker::{BrokerError, KeysetEvent, KeysetEvents},
    serve::{Provider, Trouble},
};

/// The broker gives a sign of life every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(250), max: Duration::from_secs(30) };

/// Watches until told to stop.
pub async fn watch(provider: Arc<Provider>, to: Sender<KeysetEvent>, stop: CancellationToken) {
    let cluster = provider.settings().cluster.clone();
    let mut failures = 0u32;
    loop {
        let generation = provider.served().map_or(0, |served| served.keyset().generation);
        let Some(began) = stop.run_until_cancelled(provider.broker().watch(generation)).await else { return };
        let ended = match began {
            Ok(events) => {
                let Some((seen, ended)) = stop.run_until_cancelled(follow(&provider, events, &to)).await else {
                    return;
                };
                if seen {
                    failures = 0;
                }
                ended
            }
            Err(error) => Some(error),
        };
        let Some(error) = ended else { continue }; // asked for anew
        failures = failures.saturating_add(1);
        if failures == 1 {
            warn!(%cluster, %error, "Keyset watch broke");
        } else {
            debug!(%cluster, %error, failures, "Keyset watch failed again");
        }
        if provider.served().is_none() {
            let text = format!("no keyset yet: {error}; check the broker and this node's certificate");
            provider.trouble(Trouble::Keyset, Some(text));
        }
        if stop.run_until_cancelled(tokio::time::sleep(BACKOFF.rest(failures))).await.is_none() {
            return;
        }
    }
}

/// Passes events on until the watch breaks; no error means that the keyset is to be asked for anew.
async fn follow(
    provider: &Provider,
    mut events: KeysetEvents,
    to: &Sender<KeysetEvent>,
) -> (bool, Option<BrokerError>) {
    let mut seen = false;
    loop {
        let event = tokio::select! {
            event = timeout(SILENCE, events.next()) => event,
            () = provider.stale(), if seen => {
                // Not more often than this, whatever an API server keeps asking for.
                tokio::time::sleep(Duration::from_secs(1)).await;
                return (seen, None);
            }
        };
        let event = match event {
            Ok(Some(Ok(event))) => event,
            Ok(Some(Err(error))) => return (seen, Some(error)),
            Ok(None) => return (seen, Some(BrokerError::Unreachable("the watch was closed".to_owned()))),
            Err(_) => return (seen, Some(BrokerError::Unreachable("no sign of life for 45 s".to_owned()))),
        };
        if !seen {
            info!(cluster = %provider.settings().cluster, "Keyset watch stands");
        }
        seen = true;
        if to.send(event).await.is_err() {
            return (seen, Some(BrokerError::Unreachable("the node is stopping".to_owned())));
        }
    }
}
