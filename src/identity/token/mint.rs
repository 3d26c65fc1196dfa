//! Making a token.

use keyward_sdk::{
    crypto::random,
    secret::SecretString,
    time::{Span, Timestamp},
};

use super::{
    MAX_LIFE, MintError,
    state::{State, context},
    text,
};
use crate::{
    identity::{Binding, Claims, Principal, Scope, TokenFacts, TokenId},
    keyring::{self, Keyring},
    method::Name,
};

/// What a login grants, after policy allowed it.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who.
    pub principal: Principal,
    /// In which role.
    pub role: Name,
    /// With which claims.
    pub claims: Claims,
    /// Narrowed to what.
    pub scope: Scope,
    /// For how long.
    pub life: Span,
    /// For whose use.
    pub binding: Binding,
}

/// A new token.
#[derive(Debug)]
pub struct Minted {
    /// What its holder shows.
    pub text: SecretString,
    /// What may be known of it.
    pub facts: TokenFacts,
}

/// Makes the token of a login, sealed with the tenant's primary key. The store is not asked and not written.
///
/// # Errors
/// [`MintError`] for a life out of bounds, or too much in it.
pub fn mint(keyring: &Keyring, grant: Grant, now: Timestamp) -> Result<Minted, MintError> {
    if grant.life < Span::from_secs(1) || grant.life > MAX_LIFE {
        return Err(MintError::Life);
    }
    seal(
        keyring,
        State {
            principal: grant.principal,
            role: grant.role,
            claims: grant.claims,
            scope: grant.scope,
            issued_at: now,
            expires_at: now.saturating_add(grant.life),
            id: TokenId(random::array()),
            ancestors: Vec::new(),
            binding: grant.binding,
        },
    )
}

pub(super) fn seal(keyring: &Keyring, state: State) -> Result<Minted, MintError> {
    let tenant = state.principal.tenant;
    let version = keyring.primary();
    let key = keyring.key(version).ok_or_else(|| MintError::Key(format!("key version {version} is not there")))?;
    let plain = keyring::encode(&state).map_err(|error| MintError::Key(error.to_string()))?;
    let clear = text::clear(tenant);
    let sealed =
        key.seal(&context(tenant), version, &clear, &plain).map_err(|error| MintError::Key(error.to_string()))?;
    let State { issued_at, expires_at, id, ancestors, binding, .. } = state;
    Ok(Minted {
        text: text::write(&clear, &sealed)?,
        facts: TokenFacts { id, ancestors, issued_at, expires_at, binding },
    })
}
