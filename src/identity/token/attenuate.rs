//! A weaker token made from a token, by its holder.

use keyward_sdk::{
    crypto::random,
    time::{Span, Timestamp},
};

use super::{
    MAX_ANCESTORS, MintError,
    mint::{Minted, seal},
    state::State,
};
use crate::{
    identity::{Caller, Scope, TokenId},
    keyring::Keyring,
};

/// What a weaker token shall be.
#[derive(Clone, Debug, Default)]
pub struct Narrowing {
    /// Within the scope of the token that is narrowed.
    pub scope: Scope,
    /// Never longer than the rest of the life of the token that is narrowed.
    pub life: Option<Span>,
}

/// Narrows the token that the caller came with. The new one is bound to the same key, ends with the old one at the latest,
/// and falls with it when it is revoked.
///
/// # Errors
/// [`MintError`] when there is no token, when it was narrowed too often, or for a wider scope.
pub fn attenuate(
    keyring: &Keyring,
    caller: &Caller,
    narrowing: Narrowing,
    now: Timestamp,
) -> Result<Minted, MintError> {
    let (Some(token), Some(role)) = (caller.token(), caller.role()) else { return Err(MintError::NoToken) };
    if token.ancestors.len() >= MAX_ANCESTORS {
        return Err(MintError::Depth);
    }
    let expires_at = match narrowing.life {
        None => token.expires_at,
        Some(life) if life < Span::from_secs(1) => return Err(MintError::Life),
        Some(life) => token.expires_at.min(now.saturating_add(life)),
    };
    let mut ancestors = token.ancestors.clone();
    ancestors.push(token.id);
    seal(
        keyring,
        State {
            principal: caller.principal().clone(),
            role: role.clone(),
            claims: caller.claims().clone(),
            scope: caller.scope().narrow(narrowing.scope)?,
            issued_at: token.issued_at,
            expires_at,
            id: TokenId(random::array()),
            ancestors,
            binding: token.binding,
        },
    )
}
