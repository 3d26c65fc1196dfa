//! Keeps the keyset: checks what the broker says, makes it durable, and only then serves it; counts the time without it.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use keyward_kit::cluster::ClusterId;
use keyward_sdk::time::{Monotonic, SharedClock};
use tokio::{sync::mpsc::Receiver, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    broker::KeysetEvent,
    keyset::{Keyset, KeysetStore, Limits},
    offline::{Allowance, AllowanceFile},
    serve::{Offline, Provider, Served, Trouble},
};

const TICK: Duration = Duration::from_secs(1);
const SAVE: Duration = Duration::from_secs(60);
/// Until a keyset says otherwise.
const NO_LIMITS: Limits = Limits { offline_max: None, offline_writes_max: None };

/// Keeps one cluster's keyset.
pub struct Keeper {
    provider: Arc<Provider>,
    store: Arc<dyn KeysetStore>,
    cluster: ClusterId,
    clock: SharedClock,
    file: AllowanceFile,
    allowance: Allowance,
    limits: Limits,
    /// Could not be made durable yet, so it is not told either.
    pending: Option<Keyset>,
    saved: Monotonic,
}

impl Keeper {
    /// Begins with what is on disk, and serves it if the time without the broker allows.
    pub async fn start(
        provider: Arc<Provider>,
        store: Arc<dyn KeysetStore>,
        cluster: ClusterId,
        clock: SharedClock,
        file: AllowanceFile,
    ) -> Self {
        let found = match store.load().await {
            Ok(found) => found,
            Err(error) => {
                // Never fatal: the broker has it.
                warn!(cluster = %provider.settings().cluster, %error, "Keyset on disk cannot be used");
                provider.trouble(Trouble::Keyset, Some(format!("{error}; it is fetched from the broker")));
                None
            }
        };
        let limits = found.as_ref().map_or(NO_LIMITS, |keyset| keyset.limits);
        let allowance = file.load(&limits, &*clock).await;
        let saved = clock.monotonic();
        let mut keeper = Self { provider, store, cluster, clock, file, allowance, limits, pending: None, saved };
        if let Some(keyset) = found {
            if matches!(keeper.allowance.judge(&limits), Offline::Ended(_)) {
                keeper.judge().await;
            } else {
                keeper.serve(&keyset);
                keeper.judge().await;
            }
        }
        keeper
    }

    /// Keeps it until told to stop.
    pub async fn run(mut self, mut events: Receiver<KeysetEvent>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => self.tick().await,
                event = events.recv() => match event {
                    Some(KeysetEvent::Changed(keyset)) => self.take(keyset).await,
                    Some(KeysetEvent::KeepAlive(generation)) => self.heard(generation).await,
                    None => break,
                },
            }
        }
        self.save_allowance().await;
    }

    fn generation(&self) -> Option<u64> {
        self.provider.served().map(|served| served.keyset().generation)
    }

    async fn heard(&mut self, generation: u64) {
        match self.generation() {
            Some(held) if held == generation => self.confirm().await,
            Some(held) if held > generation => self.older(held, generation),
            // The watch lost an event, or nothing is held: ask anew.
            _ if self.pending.is_none() => self.provider.mark_stale(),
            _ => {}
        }
    }

    fn older(&self, held: u64, generation: u64) {
        warn!(
            cluster = %self.provider.settings().cluster, held, generation,
            "Broker has an older keyset than this node and counts as away; it may have been restored from a backup"
        );
        self.provider.tell();
    }

    async fn take(&mut self, keyset: Keyset) {
        if keyset.place.cluster != self.cluster {
            error!(cluster = %self.provider.settings().cluster, "Broker answered with the keyset of another cluster");
            return;
        }
        let served = self.provider.served();
        let held = served.as_ref().map(|served| served.keyset());
        match held.map(|held| held.generation) {
            Some(generation) if generation > keyset.generation => return self.older(generation, keyset.generation),
            Some(generation) if generation == keyset.generation => return self.confirm().await,
            _ => {}
        }
        // A flip that was made here stands, also when our clock was set back since.
        let flipped = match (held, keyset.next) {
            (Some(held), Some((next, at))) if held.primary == next && held.place == keyset.place => keyset.flipped(at),
            _ => keyset.flipped(self.clock.now()),
        };
        self.keep(flipped.unwrap_or(keyset)).await;
        self.confirm().await;
    }

    /// Makes it durable, then serves it. If that fails, what is served stays, and it is tried again.
    async fn keep(&mut self, keyset: Keyset) {
        let cluster = &self.provider.settings().cluster;
        match self.store.save(&keyset).await {
            Ok(()) => {
                info!(%cluster, generation = keyset.generation, primary = keyset.primary, "Keyset taken");
                self.pending = None;
                self.serve(&keyset);
            }
            Err(error) => {
                self.provider.metrics().keyset_saves_failed.fetch_add(1, Ordering::Relaxed);
                if self.pending.is_none() {
                    error!(%cluster, %error, "Keyset cannot be made durable, trying again");
                }
                if self.provider.served().is_none() {
                    // Nothing was told yet, so nothing can disagree, and a control plane is waiting.
                    self.serve(&keyset);
                }
                self.pending = Some(keyset);
            }
        }
    }

    fn serve(&mut self, keyset: &Keyset) {
        self.limits = keyset.limits;
        let metrics = self.provider.metrics();
        metrics.keyset_generation.store(keyset.generation, Ordering::Relaxed);
        metrics.key_versions.store(keyset.versions.len() as u64, Ordering::Relaxed);
        let max = keyset.limits.offline_max.map_or(0, |max| max.as_secs());
        metrics.offline_max_seconds.store(max, Ordering::Relaxed);
        if let Some(served) = Served::of(keyset) {
            self.provider.serve(served);
            self.provider.trouble(Trouble::Keyset, None);
        }
    }

    async fn confirm(&mut self) {
        let was_away = self.allowance.used() > SAVE;
        self.allowance.confirm(&*self.clock);
        self.judge().await;
        if was_away {
            self.save_allowance().await;
        }
    }

    async fn tick(&mut self) {
        self.allowance.tick(&*self.clock);
        let now = self.clock.now();
        let flipped = match &self.pending {
            Some(pending) => Some(pending.flipped(now).unwrap_or_else(|| pending.clone())),
            None => self.provider.served().and_then(|served| served.keyset().flipped(now)),
        };
        if let Some(keyset) = flipped {
            self.keep(keyset).await;
        }
        self.judge().await;
        if self.clock.monotonic().since(self.saved) >= SAVE {
            self.save_allowance().await;
        }
    }

    async fn judge(&mut self) {
        let used = self.allowance.used().as_secs();
        self.provider.metrics().offline_seconds.store(used, Ordering::Relaxed);
        let offline = self.allowance.judge(&self.limits);
        if matches!(offline, Offline::Ended(_)) && (self.provider.served().is_some() || self.pending.is_some()) {
            error!(cluster = %self.provider.settings().cluster, offline_seconds = used, "Time without the broker is over, keys wiped");
            self.pending = None;
            self.provider.stop_serving();
            if let Err(error) = self.store.wipe().await {
                error!(%error, "Keyset on disk could not be wiped");
            }
        }
        self.provider.offline(offline);
    }

    async fn save_allowance(&mut self) {
        self.saved = self.clock.monotonic();
        if let Err(error) = self.file.save(&self.allowance).await {
            warn!(cluster = %self.provider.settings().cluster, %error, "Time without the broker could not be saved");
        }
    }
}
