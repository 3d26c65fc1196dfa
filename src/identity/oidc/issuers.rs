//! All registered issuers, by tenant and `iss`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use keyward_kit::tasks::Group;
use keyward_sdk::time::SharedClock;
use tokio_util::sync::CancellationToken;

use super::{
    IssuerConfig, SignatureAlgorithm, Verified,
    error::OidcError,
    fetch::{Fetch, FetchError},
    keys::{Fetching, Keys, KeysState},
    parse::Parts,
    verify,
};
use crate::method::{Name, TenantId};

/// How many fetches run at a time, over all issuers.
const MAX_FETCHES: usize = 16;
/// How often it is looked which keys are due.
const TICK: Duration = Duration::from_secs(5);

struct Issuer {
    config: Arc<IssuerConfig>,
    keys: Arc<Keys>,
}

type Tenants = HashMap<TenantId, Arc<HashMap<String, Issuer>>>;
type Registered = BTreeMap<Name, IssuerConfig>;

/// One key of an issuer, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerKey {
    /// Its id.
    pub kid: Option<String>,
    /// The algorithms that it fits and the issuer's settings allow.
    pub algorithms: Vec<SignatureAlgorithm>,
}

/// How an issuer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerState {
    /// When its keys were fetched, and why not.
    pub fetches: KeysState,
    /// The keys that count now.
    pub keys: Vec<IssuerKey>,
}

/// The registered issuers, hot. Fed from control state; a look-up takes no lock.
pub struct Issuers {
    /// All that are registered; changes go through here, one at a time.
    registered: Mutex<HashMap<TenantId, Registered>>,
    /// What a look-up sees.
    tenants: ArcSwap<Tenants>,
    with: Arc<Fetching>,
}

impl Issuers {
    /// No issuers yet. `stop` ends fetches that run.
    #[must_use]
    pub fn new(fetch: Arc<dyn Fetch>, clock: SharedClock, stop: &CancellationToken) -> Self {
        let tasks = Group::new(MAX_FETCHES, stop);
        Self {
            registered: Mutex::default(),
            tenants: ArcSwap::default(),
            with: Arc::new(Fetching { fetch, clock, tasks }),
        }
    }

    /// Makes these the issuers of a tenant.
    pub fn replace(&self, tenant: TenantId, configs: Vec<IssuerConfig>) {
        self.change(tenant, |registered| {
            *registered = configs.into_iter().map(|config| (config.name.clone(), config)).collect();
        });
    }

    /// Changes what is registered. Keys that were fetched stay where neither `iss` nor the source of keys changed. Of two
    /// that share an `iss` the first by name counts; whoever registers issuers refuses the second.
    pub(super) fn change(&self, tenant: TenantId, change: impl FnOnce(&mut Registered)) {
        let mut all = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        let registered = all.entry(tenant).or_default();
        change(registered);
        let mut tenants = Tenants::clone(&self.tenants.load());
        let old = tenants.get(&tenant);
        let mut new = HashMap::new();
        for config in registered.values() {
            let known = old.and_then(|old| old.get(&config.iss));
            // One that stays as it is stays the same: a login that is under way with it goes on.
            let same = known.map(|known| &known.config).filter(|known| ***known == *config);
            let same = same.map_or_else(|| Arc::new(config.clone()), Arc::clone);
            let known = known.filter(|known| known.keys.are_of(config));
            let keys = known.map_or_else(|| Keys::of(config), |known| Arc::clone(&known.keys));
            new.entry(config.iss.clone()).or_insert(Issuer { config: same, keys });
        }
        if new.is_empty() {
            tenants.remove(&tenant)
        } else {
            tenants.insert(tenant, Arc::new(new))
        };
        // Under the lock, so that two changes cannot overtake each other.
        self.tenants.store(Arc::new(tenants));
        drop(all);
    }

    /// All issuers of a tenant, by name.
    #[must_use]
    pub fn configs(&self, tenant: TenantId) -> Vec<IssuerConfig> {
        let all = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&tenant).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// The issuer of a tenant that has this `iss`.
    #[must_use]
    pub fn find(&self, tenant: TenantId, iss: &str) -> Option<Arc<IssuerConfig>> {
        self.tenants.load().get(&tenant)?.get(iss).map(|issuer| Arc::clone(&issuer.config))
    }

    /// Whether an issuer is registered now exactly as it was when a token was checked with it: not changed, removed or made
    /// again meanwhile.
    #[must_use]
    pub fn is_current(&self, tenant: TenantId, issuer: &Arc<IssuerConfig>) -> bool {
        self.find(tenant, &issuer.iss).is_some_and(|now| Arc::ptr_eq(&now, issuer))
    }

    /// The issuer of a tenant that has this name.
    #[must_use]
    pub fn by_name(&self, tenant: TenantId, name: &Name) -> Option<Arc<IssuerConfig>> {
        let tenants = self.tenants.load();
        tenants
            .get(&tenant)?
            .values()
            .find(|issuer| issuer.config.name == *name)
            .map(|issuer| Arc::clone(&issuer.config))
    }

    /// Checks a token with the issuers of a tenant. Waits for the network only when the key is not at hand, and then only
    /// so often.
    ///
    /// # Errors
    /// [`OidcError`] with the one reason.
    pub async fn verify(&self, tenant: TenantId, token: &str) -> Result<Verified, OidcError> {
        let parts = Parts::parse(token)?;
        let iss = parts.issuer()?;
        let (config, keys) = {
            let tenants = self.tenants.load();
            let issuer = tenants.get(&tenant).and_then(|issuers| issuers.get(iss)).ok_or(OidcError::IssuerUnknown)?;
            (Arc::clone(&issuer.config), Arc::clone(&issuer.keys))
        };
        if !config.algorithms.contains(&parts.algorithm) {
            return Err(OidcError::Algorithm);
        }
        let mut at_hand = keys.at_hand(&self.with.clock);
        if !at_hand.as_ref().is_some_and(|keys| verify::has_key(&parts, keys.set())) {
            keys.refresh(&self.with).await;
            at_hand = keys.at_hand(&self.with.clock);
        }
        let Some(at_hand) = at_hand else {
            return Err(OidcError::KeysUnavailable(keys.state().last_error.unwrap_or(FetchError::Never)));
        };
        verify::verify(&config, at_hand.set(), &parts, self.with.clock.now())
    }

    /// How an issuer is.
    #[must_use]
    pub fn state(&self, tenant: TenantId, name: &Name) -> Option<IssuerState> {
        let tenants = self.tenants.load();
        let issuer = tenants.get(&tenant)?.values().find(|issuer| issuer.config.name == *name)?;
        let at_hand = issuer.keys.at_hand(&self.with.clock);
        let keys = at_hand.iter().flat_map(|at_hand| &at_hand.set().keys);
        let shown = |key: &super::jwk::VerifyingKey| IssuerKey {
            kid: key.kid.clone(),
            algorithms: issuer.config.algorithms.iter().copied().filter(|algorithm| key.fits(*algorithm)).collect(),
        };
        Some(IssuerState { fetches: issuer.keys.state(), keys: keys.map(shown).collect() })
    }

    /// Fetches an issuer's keys now, if the last try is not too short a time ago: after it was registered, so that its
    /// state says at once whether that works.
    pub async fn refresh(&self, tenant: TenantId, name: &Name) {
        let keys = {
            let tenants = self.tenants.load();
            let named =
                tenants.get(&tenant).and_then(|issuers| issuers.values().find(|issuer| issuer.config.name == *name));
            named.map(|issuer| Arc::clone(&issuer.keys))
        };
        if let Some(keys) = keys {
            keys.refresh(&self.with).await;
        }
    }

    /// Keeps keys fresh until `stopping`.
    pub async fn run(self: Arc<Self>, stopping: CancellationToken) {
        while stopping.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
            self.refresh_due();
        }
    }

    /// Starts the fetches that are due.
    fn refresh_due(&self) {
        for issuer in self.tenants.load().values().flat_map(|issuers| issuers.values()) {
            if issuer.keys.is_due(&self.with.clock) {
                issuer.keys.start(&self.with);
            }
        }
    }
}

#[cfg(test)]
#[path = "issuers_tests.rs"]
mod tests;
