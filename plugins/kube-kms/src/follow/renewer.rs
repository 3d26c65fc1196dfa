//! Renews the node's certificate at half of its life; one that expired in an outage as soon as the broker is back.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use keyward_kit::endpoints::Backoff;
use keyward_sdk::time::SharedClock;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    broker::BrokerError,
    node::{Node, NodeKey, NodeState},
    serve::{Provider, Trouble},
};

/// Short, so that a clock that jumps is noticed.
const LOOK: Duration = Duration::from_secs(30);
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(60) };

/// Renews one node's certificate.
pub struct Renewer {
    /// The cluster it serves.
    pub provider: Arc<Provider>,
    /// The node.
    pub node: Node,
    /// Where it is kept.
    pub state: NodeState,
    /// The time.
    pub clock: SharedClock,
}

impl Renewer {
    /// Renews until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut failures = 0u32;
        loop {
            let expires = self.node.certificate.not_after;
            self.provider.metrics().certificate_expires.store(expires.as_secs(), Ordering::Relaxed);
            let mut wait = LOOK;
            if self.clock.now() >= self.node.certificate.renew_at() {
                let Some(renewed) = stop.run_until_cancelled(self.renew()).await else { return };
                match renewed {
                    Ok(()) => failures = 0,
                    Err(error) => {
                        failures = failures.saturating_add(1);
                        self.complain(&error, failures);
                        wait = BACKOFF.rest(failures);
                    }
                }
            }
            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
        }
    }

    async fn renew(&mut self) -> Result<(), BrokerError> {
        let key = NodeKey::generate().map_err(|error| BrokerError::Malformed(error.to_string()))?;
        let (certificate, facts) = self.provider.broker().renew(key).await?;
        let old = &self.node.facts;
        // What was pinned at join is never replaced by a renewal.
        if (facts.cluster_id, facts.tenant_id, facts.control_key) != (old.cluster_id, old.tenant_id, old.control_key) {
            return Err(BrokerError::Malformed("a renewal that names another cluster or control key".to_owned()));
        }
        let renewed = Node { id: self.node.id, name: self.node.name.clone(), facts, certificate };
        self.state.save(&renewed).map_err(|error| BrokerError::Unreachable(format!("kept nothing: {error}")))?;
        self.provider.broker().use_certificate(&renewed.certificate, &renewed.facts)?;
        info!(
            cluster = %self.provider.settings().cluster, generation = renewed.certificate.generation,
            "Certificate renewed"
        );
        self.node = renewed;
        self.provider.trouble(Trouble::Certificate, None);
        // The watch stands on the old certificate's connection; the next one uses the new.
        self.provider.mark_stale();
        Ok(())
    }

    fn complain(&self, error: &BrokerError, failures: u32) {
        let cluster = &self.provider.settings().cluster;
        if failures == 1 {
            warn!(%cluster, %error, "Certificate could not be renewed, trying again");
        }
        // A broker that is away is no trouble of the certificate's; a refusal needs a person.
        if let BrokerError::Refused { .. } = error
            && self.clock.now() >= self.node.certificate.not_after
        {
            warn!(%cluster, %error, "Certificate has expired and its renewal is refused; join this node anew");
        }
    }
}
