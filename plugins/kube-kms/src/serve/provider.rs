//! The state of one served cluster: written by the tasks that follow the broker, read by the handlers without a lock.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Notify;
use tonic::Status;

use super::{Entry, Served};
use crate::{broker::Broker, keyset::Mode, ops::Metrics};

/// What is fixed for a served cluster.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// The cluster's name.
    pub cluster: String,
    /// What Status says: `v2`, or `v2beta1` under an API server that began with a provider that says so.
    pub reported_version: String,
    /// The mode that the node's settings insist on.
    pub mode: Option<Mode>,
    /// The time for a call to the broker in mode `remote`, below the API server's own limit.
    pub remote_timeout: Duration,
}

/// Something that an operator has to know. One text each at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The certificate cannot be renewed.
    Certificate,
    /// The keyset cannot be had or kept.
    Keyset,
    /// The settings ask for another mode than the cluster has.
    Mode,
    /// The time without the broker runs out.
    Offline,
}

/// How far the time without the broker has run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Offline {
    /// All of it is over: nothing is served.
    Ended(String),
    /// All is well.
    #[default]
    Fine,
    /// Soon over.
    Warn(String),
    /// Reads go on, writes do not.
    WritesEnded(String),
}

/// One served cluster.
pub struct Provider {
    settings: ProviderSettings,
    broker: Arc<dyn Broker>,
    served: ArcSwapOption<Served>,
    told: ArcSwapOption<Entry>,
    troubles: Mutex<BTreeMap<Trouble, String>>,
    health: ArcSwap<String>,
    writes_ended: ArcSwapOption<String>,
    stale: Notify,
    changed: Notify,
    metrics: Metrics,
}

impl Provider {
    /// Serves nothing yet.
    #[must_use]
    pub fn new(settings: ProviderSettings, broker: Arc<dyn Broker>) -> Arc<Self> {
        Arc::new(Self {
            settings,
            broker,
            served: ArcSwapOption::empty(),
            told: ArcSwapOption::empty(),
            troubles: Mutex::default(),
            health: ArcSwap::from_pointee("ok".to_owned()),
            writes_ended: ArcSwapOption::empty(),
            stale: Notify::new(),
            changed: Notify::new(),
            metrics: Metrics::default(),
        })
    }

    /// What is fixed.
    #[must_use]
    pub fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// The broker.
    #[must_use]
    pub fn broker(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    /// The counters.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What is served now.
    #[must_use]
    pub fn served(&self) -> Option<Arc<Served>> {
        self.served.load_full()
    }

    /// Serves this from now on. It is on disk before this is called, so a restart tells no other key_id.
    pub fn serve(&self, served: Served) {
        let wrong = self.settings.mode.filter(|mode| *mode != served.mode());
        let wrong = wrong.map(|mode| {
            format!(
                "settings ask for mode `{}`, the cluster has mode `{}`; make them equal",
                mode.name(),
                served.mode().name()
            )
        });
        self.trouble(Trouble::Mode, wrong);
        self.served.store(Some(Arc::new(served)));
        self.changed.notify_one();
    }

    /// Serves nothing from now on.
    pub fn stop_serving(&self) {
        self.served.store(None);
        self.told.store(None);
    }

    /// Sets or clears a trouble.
    pub fn trouble(&self, kind: Trouble, text: Option<String>) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        match text {
            Some(text) => troubles.insert(kind, text),
            None => troubles.remove(&kind),
        };
        let all: Vec<&str> = troubles.values().map(String::as_str).collect();
        self.health.store(Arc::new(if all.is_empty() { "ok".to_owned() } else { all.join("; ") }));
    }

    /// Says how far the time without the broker has run.
    pub fn offline(&self, offline: Offline) {
        let (text, writes) = match offline {
            Offline::Fine => (None, None),
            Offline::Warn(text) | Offline::Ended(text) => (Some(text), None),
            Offline::WritesEnded(text) => (Some(text.clone()), Some(text)),
        };
        self.trouble(Trouble::Offline, text);
        self.writes_ended.store(writes.map(Arc::new));
    }

    /// Exactly `ok`, or what is wrong and what to do.
    #[must_use]
    pub fn health(&self) -> Arc<String> {
        self.health.load_full()
    }

    /// Whether it can be used: something is served and nothing is wrong.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.served.load().is_some() && self.health.load().as_str() == "ok"
    }

    /// What is served, or what an API server is answered instead.
    pub(super) fn ready(&self) -> Result<Arc<Served>, Status> {
        self.served.load_full().ok_or_else(|| {
            let health = self.health.load();
            let why = if health.as_str() == "ok" {
                "no keyset yet; the broker was not reached since this node joined"
            } else {
                health.as_str()
            };
            Status::unavailable(why)
        })
    }

    /// Refuses when writes have ended; an RPC error is what makes an API server stop writing.
    pub(super) fn writes(&self) -> Result<(), Status> {
        match self.writes_ended.load().as_deref() {
            Some(why) => Err(Status::unavailable(why.as_str())),
            None => Ok(()),
        }
    }

    /// What was told last to any API server.
    pub(super) fn told(&self) -> &ArcSwapOption<Entry> {
        &self.told
    }

    /// Says that the keyset may be out of date: something of a version that is not known came along.
    pub fn mark_stale(&self) {
        self.stale.notify_one();
    }

    /// Waits until the keyset may be out of date.
    pub async fn stale(&self) {
        self.stale.notified().await;
    }

    /// Lets the broker hear soon what is held: it has an older keyset, so an operator is to know.
    pub fn tell(&self) {
        self.changed.notify_one();
    }

    /// Waits until something else is served, or the broker is to hear of what is.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}
