//! The station: facts in, a caller or one reason out.
//!
//! What a token says is kept once it was opened. Whether it has expired, was revoked, and is used by whom it was made for
//! is looked at on each request, outside of what is kept.

use std::sync::{Arc, Weak};

use keyward_sdk::{
    secret::same,
    time::{SharedClock, Timestamp},
};
use quick_cache::sync::Cache;
use zeroize::Zeroizing;

use super::{
    Binding, Caller, CallerParts, Claims, Facts, IdentityError, IssuerRef, Nodes, Peer, PeerCertificate, Principal,
    Revocations, Scope, TokenFacts,
    role::Roles,
    token::{self, MAX_TEXT_BYTES, Sealed},
};
use crate::{
    keyring::{Keyring, Vault},
    method::TenantId,
};

/// How many opened tokens are kept.
const KEPT: usize = 4_096;

/// Where the keys of tenants are.
pub trait TokenKeys: Send + Sync {
    /// The keyring of a tenant, as it is now.
    fn keyring(&self, tenant: TenantId) -> Option<Arc<Keyring>>;
}

impl TokenKeys for Vault {
    fn keyring(&self, tenant: TenantId) -> Option<Arc<Keyring>> {
        self.rings().of(tenant).ok().cloned()
    }
}

/// The text of a token, as a key of the cache; wiped when it is dropped.
#[derive(PartialEq, Eq)]
struct Text(Zeroizing<String>);

impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        str::hash(&self.0, state);
    }
}

impl std::borrow::Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A token that was opened.
struct Kept {
    caller: Caller,
    facts: TokenFacts,
    /// With this keyring. Weak: what is kept must not keep a destroyed tenant's keys.
    keyring: Weak<Keyring>,
    /// When the roles were as of this generation.
    roles: u64,
    /// The end of the token, or of what its role allows.
    ends: Timestamp,
    /// Whether it may be used without its key.
    bearer: bool,
}

/// Identifies callers.
pub struct Identity {
    keys: Arc<dyn TokenKeys>,
    roles: Arc<dyn Roles>,
    nodes: Arc<dyn Nodes>,
    revocations: Arc<Revocations>,
    clock: SharedClock,
    local_user: u32,
    kept: Cache<Text, Arc<Kept>>,
}

impl Identity {
    /// The station. Only the user `local_user` is anybody on the unix socket: the daemon's own.
    #[must_use]
    pub fn new(
        keys: Arc<dyn TokenKeys>,
        roles: Arc<dyn Roles>,
        nodes: Arc<dyn Nodes>,
        revocations: Arc<Revocations>,
        clock: SharedClock,
        local_user: u32,
    ) -> Self {
        Self { keys, roles, nodes, revocations, clock, local_user, kept: Cache::new(KEPT) }
    }

    /// Who is calling. A token counts before a certificate, a certificate before the unix socket.
    ///
    /// # Errors
    /// [`IdentityError`] with the one reason.
    pub fn identify(&self, facts: &Facts<'_>) -> Result<Caller, IdentityError> {
        match (facts.authorization, facts.certificate, facts.peer) {
            (Some(header), ..) => self.by_token(header, facts),
            (None, Some(certificate), _) => self.by_certificate(certificate, facts),
            (None, None, Peer::Local { uid }) if uid == self.local_user => Ok(local(uid, facts)),
            (None, None, _) => Err(IdentityError::NoToken),
        }
    }

    /// Whether a caller who was identified before still counts, and as what now: for streams, at each item. `certificate` is
    /// that of the connection.
    ///
    /// # Errors
    /// [`IdentityError`] with the one reason.
    pub fn still(&self, caller: &Caller, certificate: Option<&PeerCertificate>) -> Result<Caller, IdentityError> {
        if self.keys.keyring(caller.tenant()).is_none() {
            return Err(IdentityError::TokenForeign);
        }
        let Some(token) = caller.token() else {
            certificate.map_or(Ok(()), |certificate| self.check_certificate(certificate, caller))?;
            return Ok(caller.clone());
        };
        let role = caller.role().and_then(|role| self.roles.role(caller.tenant(), role));
        let role = role.ok_or(IdentityError::TokenRoleGone)?;
        let ends = token.expires_at.min(token.issued_at.saturating_add(role.max_life));
        self.check_alive(token, ends, caller)?;
        if token.binding == Binding::Bearer && !role.bearer {
            return Err(IdentityError::TokenNotBearer);
        }
        Ok(if *caller.ceiling() == role.scope { caller.clone() } else { caller.under(role.scope.clone()) })
    }

    fn by_token(&self, header: &[u8], facts: &Facts<'_>) -> Result<Caller, IdentityError> {
        let text = bearer(header).ok_or(IdentityError::TokenGarbled)?;
        let kept = self.kept(text)?;
        if facts.tenant.is_some_and(|asked| asked != kept.caller.tenant()) {
            return Err(IdentityError::TokenForeign);
        }
        self.check_alive(&kept.facts, kept.ends, &kept.caller)?;
        match kept.facts.binding {
            Binding::Bearer if kept.bearer => {}
            Binding::Key(hash) if facts.certificate.is_some_and(|shown| same(shown.key_hash(), &hash)) => {}
            Binding::LocalUser(uid) if facts.peer == (Peer::Local { uid }) => {}
            Binding::Bearer => return Err(IdentityError::TokenNotBearer),
            Binding::Key(_) | Binding::LocalUser(_) => return Err(IdentityError::TokenNotBound),
        }
        Ok(kept.caller.clone())
    }

    fn check_alive(&self, token: &TokenFacts, ends: Timestamp, caller: &Caller) -> Result<(), IdentityError> {
        if self.clock.now() >= ends {
            return Err(IdentityError::TokenExpired);
        }
        if self.revocations.is_revoked(token, caller.principal(), caller.role()) {
            return Err(IdentityError::TokenRevoked);
        }
        if caller.principal().issuer == IssuerRef::Node {
            self.nodes.token(caller.tenant(), &caller.principal().subject, token)?;
        }
        Ok(())
    }

    /// The opened token, if the keys and roles are still those that it was opened with; or opens it.
    fn kept(&self, text: &str) -> Result<Arc<Kept>, IdentityError> {
        let roles = self.roles.generation();
        if let Some(kept) = self.kept.get(text) {
            let keyring = self.keys.keyring(kept.caller.tenant()).ok_or(IdentityError::TokenForeign)?;
            if kept.roles == roles && kept.keyring.as_ptr() == Arc::as_ptr(&keyring) {
                return Ok(kept);
            }
        }
        let sealed = Sealed::parse(text).ok_or(IdentityError::TokenGarbled)?;
        let keyring = self.keys.keyring(sealed.tenant).ok_or(IdentityError::TokenForeign)?;
        let parts = token::open(&keyring, &sealed)?;
        let facts = parts.token.clone().ok_or(IdentityError::TokenGarbled)?;
        let role = parts.role.as_ref().and_then(|name| self.roles.role(sealed.tenant, name));
        let role = role.ok_or(IdentityError::TokenRoleGone)?;
        let ends = facts.expires_at.min(facts.issued_at.saturating_add(role.max_life));
        // INVARIANT (ceiling): a token reaches no further than its role is narrowed to now.
        let caller = Caller::new(CallerParts { ceiling: role.scope.clone(), ..parts });
        let kept = Kept { caller, facts, keyring: Arc::downgrade(&keyring), roles, ends, bearer: role.bearer };
        let kept = Arc::new(kept);
        self.kept.insert(Text(Zeroizing::new(text.to_owned())), Arc::clone(&kept));
        Ok(kept)
    }

    fn by_certificate(&self, certificate: &PeerCertificate, facts: &Facts<'_>) -> Result<Caller, IdentityError> {
        let tenant = facts.tenant.unwrap_or(facts.default_tenant);
        let caller = certificate.caller(tenant)?;
        if facts.tenant.is_some_and(|asked| asked != caller.tenant()) {
            return Err(IdentityError::CertificateUnknown);
        }
        if caller.node().is_some() && self.keys.keyring(caller.tenant()).is_none() {
            return Err(IdentityError::CertificateUnknown);
        }
        self.check_certificate(certificate, &caller)?;
        Ok(caller)
    }

    fn check_certificate(&self, certificate: &PeerCertificate, caller: &Caller) -> Result<(), IdentityError> {
        if !certificate.is_valid_at(self.clock.now()) {
            return Err(IdentityError::CertificateExpired);
        }
        if self.revocations.is_certificate_revoked(caller.principal(), certificate.issued_at()) {
            return Err(IdentityError::CertificateRevoked);
        }
        if let Some(node) = caller.node() {
            self.nodes.certificate(node)?;
        }
        Ok(())
    }
}

fn local(uid: u32, facts: &Facts<'_>) -> Caller {
    let tenant = facts.tenant.unwrap_or(facts.default_tenant);
    let subject = format!("uid:{uid}").into();
    Caller::new(CallerParts {
        principal: Principal { tenant, issuer: IssuerRef::LocalUser, subject },
        role: None,
        claims: Claims::default(),
        scope: Scope::unlimited(),
        ceiling: Scope::unlimited(),
        token: None,
        node: None,
    })
}

/// The token of a header `Bearer ..` (RFC 6750; the scheme's name in any case).
fn bearer(header: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(header).ok().filter(|text| text.len() <= MAX_TEXT_BYTES + 16)?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' '))
}

#[cfg(test)]
#[path = "station_tests.rs"]
mod tests;
