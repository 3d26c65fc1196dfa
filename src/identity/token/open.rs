//! Opening a token: the one place where its content is believed.

use super::{
    state::{State, context},
    text::Sealed,
};
use crate::{
    identity::{CallerParts, Scope, TokenFacts, error::IdentityError},
    keyring::{self, Keyring},
};

/// Opens a token with the keyring of the tenant that it claims. Says nothing yet of expiry, revocation and whose it is.
///
/// # Errors
/// [`IdentityError::TokenForeign`] for a key version that the tenant does not have, [`IdentityError::TokenGarbled`] for
/// whatever does not open.
pub fn open(keyring: &Keyring, token: &Sealed) -> Result<CallerParts, IdentityError> {
    let key = keyring.key(token.key_version).ok_or(IdentityError::TokenForeign)?;
    let (clear, sealed) = token.halves().ok_or(IdentityError::TokenGarbled)?;
    let plain =
        key.open(&context(token.tenant), token.key_version, clear, sealed).map_err(|_| IdentityError::TokenGarbled)?;
    let state: State = keyring::decode(plain.expose(), "token").map_err(|_| IdentityError::TokenGarbled)?;
    if state.principal.tenant != token.tenant {
        return Err(IdentityError::TokenForeign);
    }
    let State { principal, role, claims, scope, issued_at, expires_at, id, ancestors, binding } = state;
    let facts = TokenFacts { id, ancestors, issued_at, expires_at, binding };
    Ok(CallerParts {
        principal,
        role: Some(role),
        claims,
        scope,
        ceiling: Scope::unlimited(),
        token: Some(facts),
        node: None,
    })
}
