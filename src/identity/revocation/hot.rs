//! The list as requests see it: an immutable copy, swapped whole.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use foldhash::quality::RandomState;
use keyward_sdk::time::{Span, Timestamp};

use super::{OwnToken, Revocation, Revoked};
use crate::{
    identity::{IssuerRef, Principal, TokenFacts, TokenId},
    keyring::{self, ControlType, VaultError, View},
    method::{Name, TenantId},
};

/// Client certificates of other authorities may live long; a record about their principals is kept for this long.
pub(super) const MAX_CERTIFICATE_LIFE: Span = Span::from_days(398);

/// A map that most of the time is empty and then costs nothing to ask.
///
/// Hashed with foldhash, seeded at random: it is asked up to five times in each request.
struct Until<K>(HashMap<K, Timestamp, RandomState>);

impl<K> Default for Until<K> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Hash + Eq> Until<K> {
    fn add(&mut self, key: K, until: Timestamp) {
        let known = self.0.entry(key).or_insert(until);
        *known = until.max(*known);
    }

    fn covers(&self, key: &K, issued: Timestamp) -> bool {
        !self.0.is_empty() && self.0.get(key).is_some_and(|until| issued <= *until)
    }
}

#[derive(Default)]
struct Tenant {
    all: Option<Timestamp>,
    issuers: Until<IssuerRef>,
    principals: Until<Principal>,
    roles: Until<Name>,
    tokens: Until<TokenId>,
}

type Tenants = HashMap<TenantId, Arc<Tenant>, RandomState>;

/// The list, hot. Fed from control state.
#[derive(Default)]
pub struct Revocations {
    hot: ArcSwap<Tenants>,
    records: Mutex<BTreeMap<TenantId, BTreeMap<String, Revocation>>>,
}

impl Revocations {
    /// Whether a token of `principal` in `role` was revoked.
    #[must_use]
    pub fn is_revoked(&self, token: &TokenFacts, principal: &Principal, role: Option<&Name>) -> bool {
        let tenants = self.hot.load();
        let Some(tenant) = tenants.get(&principal.tenant) else { return false };
        let issued = token.issued_at;
        tenant.matches(principal, issued)
            || role.is_some_and(|role| tenant.roles.covers(role, issued))
            || std::iter::once(&token.id)
                .chain(&token.ancestors)
                .any(|id| tenant.tokens.covers(id, Timestamp::default()))
    }

    /// Whether a certificate of `principal` that is valid since `issued` was revoked.
    #[must_use]
    pub fn is_certificate_revoked(&self, principal: &Principal, issued: Timestamp) -> bool {
        self.hot.load().get(&principal.tenant).is_some_and(|tenant| tenant.matches(principal, issued))
    }

    /// Adds a record, or replaces the one of the same name; `None` forgets it.
    pub fn set(&self, tenant: TenantId, name: &str, record: Option<Revocation>) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = records.entry(tenant).or_default();
        match record {
            Some(record) => of_tenant.insert(name.to_owned(), record),
            None => of_tenant.remove(name),
        };
        let built = Arc::new(Tenant::of(of_tenant.values()));
        // Under the lock, so that two changes cannot overtake each other.
        self.hot.rcu(|tenants| {
            let mut tenants = Tenants::clone(tenants);
            tenants.insert(tenant, Arc::clone(&built));
            tenants
        });
        drop(records);
    }

    /// How many records a tenant has of tokens that their holders took back.
    #[must_use]
    pub fn own(&self, tenant: TenantId) -> usize {
        self.count(tenant, |_| true)
    }

    /// How many of them are of this holder.
    #[must_use]
    pub fn own_of(&self, holder: &Principal) -> usize {
        self.count(holder.tenant, |own| own.by == *holder)
    }

    fn count(&self, tenant: TenantId, which: impl Fn(&OwnToken) -> bool) -> usize {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = records.get(&tenant).into_iter().flat_map(BTreeMap::values);
        of_tenant.filter_map(|record| record.own.as_ref()).filter(|own| which(own)).count()
    }

    /// The names of the records of a tenant that match nothing alive any more.
    #[must_use]
    pub fn forgettable(&self, tenant: TenantId, now: Timestamp) -> Vec<String> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = records.get(&tenant).into_iter().flatten();
        of_tenant.filter(|(_, record)| record.forget_at() < now).map(|(name, _)| name.clone()).collect()
    }
}

impl Tenant {
    fn of<'a>(records: impl Iterator<Item = &'a Revocation>) -> Self {
        let mut tenant = Self::default();
        for Revocation { what, issued_before, .. } in records {
            match what {
                Revoked::Issuer(issuer) => tenant.issuers.add(issuer.clone(), *issued_before),
                Revoked::Principal(principal) => tenant.principals.add(principal.clone(), *issued_before),
                Revoked::Role(role) => tenant.roles.add(role.clone(), *issued_before),
                Revoked::Tenant => tenant.all = tenant.all.max(Some(*issued_before)),
                Revoked::Token(id) => tenant.tokens.add(*id, Timestamp::MAX),
            }
        }
        tenant
    }

    fn matches(&self, principal: &Principal, issued: Timestamp) -> bool {
        self.all.is_some_and(|until| issued <= until)
            || self.issuers.covers(&principal.issuer, issued)
            || self.principals.covers(principal, issued)
    }
}

impl View for Revocations {
    fn kind(&self) -> &'static str {
        Revocation::KIND
    }

    fn apply(&self, tenant: TenantId, name: &str, value: Option<&[u8]>) -> Result<(), VaultError> {
        let record = value.map(|value| keyring::decode(value, name)).transpose()?;
        self.set(tenant, name, record);
        Ok(())
    }
}

#[cfg(test)]
#[path = "hot_tests.rs"]
mod tests;
