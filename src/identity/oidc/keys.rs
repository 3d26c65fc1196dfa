//! The keys of one issuer, kept at hand.
//!
//! What counts is the last successful fetch: a key that is missing from it is gone at once, and after 24 hours without
//! one no key counts. A token that names an unknown key may cause a fetch, but only so often. One fetch at a time runs in
//! a task of its own, so that a caller who gives up cannot break it off for the others.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use keyward_kit::tasks::Group;
use keyward_sdk::time::{Monotonic, SharedClock, Timestamp};
use tokio::sync::watch;

use super::{
    Authorities,
    config::{IssuerConfig, KeySource},
    fetch::{Fetch, FetchError},
    json::Json,
    jwk::KeySet,
};

/// How long keys count without a successful fetch.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// The shortest time between two fetches that tokens cause.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(10);
/// How often keys are fetched anew when nothing is wrong.
pub(super) const REFRESH_INTERVAL: Duration = Duration::from_secs(300);
/// How soon after a failure it is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// What fetching needs.
pub(super) struct Fetching {
    pub(super) fetch: Arc<dyn Fetch>,
    pub(super) clock: SharedClock,
    pub(super) tasks: Group,
}

/// How an issuer's keys are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysState {
    /// The last time that fetching was tried.
    pub last_attempt: Option<Timestamp>,
    /// The last time that it succeeded.
    pub last_success: Option<Timestamp>,
    /// Why it failed the last time; nothing once it succeeded.
    pub last_error: Option<FetchError>,
}

struct Current {
    set: KeySet,
    /// None for keys that were given.
    fetched: Option<Monotonic>,
}

#[derive(Default)]
struct Inner {
    shown: KeysState,
    tried: Option<Monotonic>,
    /// The fetch that runs; closed when it ends.
    flight: Option<watch::Receiver<()>>,
}

pub(super) struct Keys {
    iss: String,
    source: KeySource,
    authorities: Option<Authorities>,
    current: ArcSwapOption<Current>,
    inner: Mutex<Inner>,
}

/// Keys at hand.
pub(super) struct AtHand(Arc<Current>);

impl AtHand {
    pub(super) fn set(&self) -> &KeySet {
        &self.0.set
    }
}

impl Keys {
    pub(super) fn of(issuer: &IssuerConfig) -> Arc<Self> {
        let current = match &issuer.keys {
            // Checked when it was registered; if it cannot be read now there are no keys, and every token is refused.
            KeySource::Static(document) => {
                KeySet::parse(document.as_bytes()).ok().map(|set| Arc::new(Current { set, fetched: None }))
            }
            KeySource::Discovery | KeySource::Jwks(_) => None,
        };
        let (iss, source, authorities) = (issuer.iss.clone(), issuer.keys.clone(), issuer.authorities.clone());
        Arc::new(Self { iss, source, authorities, current: ArcSwapOption::from(current), inner: Mutex::default() })
    }

    /// Whether these are the keys of the issuer as it is now registered.
    pub(super) fn are_of(&self, issuer: &IssuerConfig) -> bool {
        self.iss == issuer.iss && self.source == issuer.keys && self.authorities == issuer.authorities
    }

    /// The keys, unless they are too old to count.
    pub(super) fn at_hand(&self, clock: &SharedClock) -> Option<AtHand> {
        let current = self.current.load_full()?;
        let young = current.fetched.is_none_or(|at| clock.monotonic().since(at) <= MAX_AGE);
        young.then_some(AtHand(current))
    }

    pub(super) fn state(&self) -> KeysState {
        self.inner().shown.clone()
    }

    /// Whether it is time to fetch without being asked.
    pub(super) fn is_due(&self, clock: &SharedClock) -> bool {
        let inner = self.inner();
        let interval = if inner.shown.last_error.is_some() { RETRY_INTERVAL } else { REFRESH_INTERVAL };
        !matches!(self.source, KeySource::Static(_))
            && inner.flight.is_none()
            && inner.tried.is_none_or(|at| clock.monotonic().since(at) >= interval)
    }

    /// Fetches, or waits for the fetch that runs, or does nothing because the last one is too short a time ago.
    pub(super) async fn refresh(self: &Arc<Self>, with: &Arc<Fetching>) {
        if let Some(mut running) = self.start(with) {
            // Nothing is ever sent: the channel closes when the fetch ends.
            let _ = running.changed().await;
        }
    }

    /// Starts a fetch if one may start now.
    pub(super) fn start(self: &Arc<Self>, with: &Arc<Fetching>) -> Option<watch::Receiver<()>> {
        if matches!(self.source, KeySource::Static(_)) {
            return None;
        }
        let mut inner = self.inner();
        if let Some(running) = &inner.flight {
            return Some(running.clone());
        }
        let now = with.clock.monotonic();
        if inner.tried.is_some_and(|at| now.since(at) < MIN_INTERVAL) {
            return None;
        }
        let (ends, running) = watch::channel(());
        let (keys, fetching) = (Arc::clone(self), Arc::clone(with));
        let task = async move {
            let fetched = keys.fetch(fetching.fetch.as_ref()).await;
            keys.finish(fetched, &fetching.clock);
            drop(ends);
        };
        // When there is no room the next token tries again.
        with.tasks.try_run(task).ok()?;
        inner.tried = Some(now);
        inner.shown.last_attempt = Some(with.clock.now());
        inner.flight = Some(running.clone());
        Some(running)
    }

    async fn fetch(&self, fetch: &dyn Fetch) -> Result<KeySet, FetchError> {
        let url = match &self.source {
            KeySource::Discovery => {
                let base = self.iss.strip_suffix('/').unwrap_or(&self.iss);
                let url = format!("{base}/.well-known/openid-configuration");
                read_discovery(&self.iss, &url, &fetch.fetch(&url, self.authorities.as_ref()).await?)?
            }
            KeySource::Jwks(url) => url.clone(),
            KeySource::Static(_) => return Err(FetchError::Never),
        };
        let document = fetch.fetch(&url, self.authorities.as_ref()).await?;
        KeySet::parse(&document).map_err(|error| {
            let what = match error {
                super::jwk::JwksError::Garbled(what) => what,
                super::jwk::JwksError::TooMany => "it has more than 100 keys",
                super::jwk::JwksError::NoKey => "it has no key that checks signatures of a known kind",
            };
            FetchError::Document { host: host_of(&url), what }
        })
    }

    fn finish(&self, fetched: Result<KeySet, FetchError>, clock: &SharedClock) {
        let mut inner = self.inner();
        inner.flight = None;
        match fetched {
            Ok(set) => {
                self.current.store(Some(Arc::new(Current { set, fetched: Some(clock.monotonic()) })));
                inner.shown.last_success = Some(clock.now());
                inner.shown.last_error = None;
            }
            Err(error) => {
                tracing::warn!(issuer.iss = self.iss, %error, "Issuer's keys were not fetched");
                inner.shown.last_error = Some(error);
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_discovery(iss: &str, url: &str, document: &[u8]) -> Result<String, FetchError> {
    let refuse = |what| FetchError::Document { host: host_of(url), what };
    let json = Json::parse(document).map_err(refuse)?;
    if json.get("issuer").and_then(Json::text) != Some(iss) {
        return Err(FetchError::Issuer);
    }
    json.get("jwks_uri").and_then(Json::text).map(str::to_owned).ok_or_else(|| refuse("it has no text `jwks_uri`"))
}

fn host_of(url: &str) -> String {
    let url = reqwest::Url::parse(url).ok();
    url.as_ref().and_then(reqwest::Url::host_str).unwrap_or("?").to_owned()
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
