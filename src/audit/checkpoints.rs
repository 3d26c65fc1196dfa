//! Signed checkpoints: every second with traffic, at each new file, and at stop.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use keyward_kit::audit::{Checkpoint, Durability, Priority};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Audit, AuditError};

const PERIOD: Duration = Duration::from_secs(1);
const WITHIN: Duration = Duration::from_secs(5);

impl Audit {
    /// Makes checkpoints until it is told to stop. Also records what came of noise.
    pub async fn checkpoints(self: Arc<Self>, stopping: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.log.rotated() => {}
                _ = ticks.tick() => {}
            }
            tokio::select! {
                () = stopping.cancelled() => return, // `close` makes the last one
                made = self.checkpoint(WITHIN) => {
                    if let Err(error) = made {
                        warn!(%error, "Audit checkpoint could not be made");
                    }
                }
            }
        }
    }

    /// Makes a checkpoint, if there is a key and there was traffic since the last; gives the note.
    ///
    /// # Errors
    /// [`AuditError`] when it cannot be made or registered.
    pub async fn checkpoint(&self, within: Duration) -> Result<Option<String>, AuditError> {
        self.flush_noise(within).await?;
        let signing = self.signing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(signing) = signing else { return Ok(None) };
        // Held to the end, so that checkpoints reach the register in their order.
        let mut standing = signing.standing.lock().await;
        let last = standing.entry.last.as_deref().and_then(|note| Checkpoint::danger_unverified(note).ok());
        if standing.fresh && last.is_some_and(|last| last.size == self.log.status().size) {
            return Ok(None);
        }
        let head = self.log.head(within).await?;
        let heads = standing.said.next(signing.register.heads());
        let checkpoint = Checkpoint {
            origin: self.origin().to_owned(),
            size: head.size,
            root: head.root,
            time: Some(self.clock.now()),
            heads: heads.clone(),
        };
        let note = checkpoint.sign(&signing.signer)?;
        self.sinks.checkpoint(&note, within).await;
        let mut next = standing.entry.clone();
        next.first.get_or_insert_with(|| note.clone());
        next.last = Some(note.clone());
        signing.register.store(&next).await?;
        (standing.entry, standing.fresh) = (next, true);
        standing.said.add(&heads);
        Ok(Some(note))
    }

    async fn flush_noise(&self, within: Duration) -> Result<(), AuditError> {
        let deadline = Instant::now() + within;
        for body in self.noise.take(self.clock.now()) {
            let record = super::Taking { body, durability: Durability::Os, priority: Priority::Normal };
            self.sinks.take(record, deadline).await?;
        }
        Ok(())
    }
}
