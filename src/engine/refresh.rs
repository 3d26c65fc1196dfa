//! Keeps what is derived from control entries in step: compiled policies, issuers, revocations.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use rustls_pki_types::CertificateDer;
use tracing::warn;

use super::{Tables, tenant::TenantState};
use crate::{
    identity::{ClaimType, ClientAuthorities, IssuerConfig},
    keyring::{VaultError, View},
    method::{METHODS, TenantId},
    policy::{Declarations, Policies, Policy, PolicySchema},
};

/// The last view of every list: by the time it is told that a commit has settled, the tables have it.
pub(super) struct Refresher {
    pub(super) tables: Tables,
    pub(super) policy: Arc<Policy>,
    pub(super) authorities: Arc<ClientAuthorities>,
    /// The generations of the tables that each tenant was last derived from.
    pub(super) seen: Mutex<HashMap<TenantId, [u64; 4]>>,
}

impl View for Refresher {
    fn kind(&self) -> &'static str {
        "" // no entry has it: all that counts is `settled`
    }

    fn apply(&self, _tenant: TenantId, _name: &str, _value: Option<&[u8]>) -> Result<(), VaultError> {
        Ok(())
    }

    fn settled(&self, tenant: TenantId) {
        if tenant == TenantId::SYSTEM {
            for (_, record) in self.tables.tenants.all(TenantId::SYSTEM) {
                self.derive(record.id);
            }
        } else {
            self.derive(tenant);
        }
    }
}

impl Refresher {
    fn derive(&self, tenant: TenantId) {
        let active = self.is_active(tenant);
        let now = [
            self.tables.policies.generation(),
            self.tables.issuers.generation(),
            self.tables.authorities.generation(),
            u64::from(active),
        ];
        if self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant, now) == Some(now) {
            return;
        }
        if !active {
            self.policy.remove(tenant);
            let _none = self.authorities.set_nodes(tenant, &[]);
            return;
        }
        let issuers: Vec<_> =
            self.tables.issuers.all(tenant).into_iter().map(|(_, issuer)| (*issuer).clone()).collect();
        let nodes: Vec<CertificateDer<'_>> =
            self.tables.authorities.all(tenant).iter().map(|(_, record)| record.certificate.clone().into()).collect();
        if let Err(error) = self.authorities.set_nodes(tenant, &nodes) {
            warn!(%tenant, %error, "Node authority of the tenant cannot be used");
        }
        let declared: Declarations = issuers.iter().map(|issuer| (issuer.name.clone(), types(issuer))).collect();
        match PolicySchema::new(METHODS, &declared) {
            Ok(schema) => {
                let texts: Vec<_> =
                    self.tables.policies.all(tenant).into_iter().map(|(_, p)| p.policy.clone()).collect();
                let (policies, problems) = Policies::load(Arc::new(schema), &texts, self.tables.policies.generation());
                if !problems.0.is_empty() {
                    warn!(%tenant, %problems, "Policies in the store are not valid any more");
                }
                self.policy.replace(tenant, policies);
            }
            Err(error) => {
                // Without a schema nothing can be decided, so nothing is permitted.
                warn!(%tenant, %error, "No policy schema for the tenant");
                self.policy.remove(tenant);
            }
        }
    }

    /// A suspended tenant, one that is being destroyed, and one that is no longer there have no policies in force.
    fn is_active(&self, tenant: TenantId) -> bool {
        self.tables.tenants.all(TenantId::SYSTEM).iter().any(|(_, t)| t.id == tenant && t.state == TenantState::Active)
    }
}

/// The claims that an issuer declares, by name.
fn types(issuer: &IssuerConfig) -> BTreeMap<String, ClaimType> {
    issuer.claims.iter().map(|(name, claim)| (name.clone(), claim.kind)).collect()
}
