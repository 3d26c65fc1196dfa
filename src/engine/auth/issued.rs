//! A token as its holder gets it.

use keyward_sdk::{secret::SecretString, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    engine::{EngineError, Keep, Reply},
    identity::{
        Principal, Scope, TokenId,
        token::{MintError, Minted},
    },
    method::Name,
};

/// See the module.
#[derive(Serialize, Deserialize)]
pub struct IssuedToken {
    /// What is sent with each request.
    #[serde(with = "keyward_sdk::secret::serde_exposed")]
    pub text: SecretString,
    /// Its id.
    pub id: TokenId,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The role.
    pub role: Name,
    /// What it is narrowed to.
    pub scope: Scope,
    /// Whether it serves on connections with one key only.
    pub bound: bool,
    /// Whose it is, for the audit record.
    pub principal: Principal,
}

impl Keep for IssuedToken {
    fn proven(&self) -> Option<(&Principal, &Name)> {
        Some((&self.principal, &self.role))
    }
}

impl Reply for IssuedToken {
    fn proven(&self) -> Option<(&Principal, &Name)> {
        Keep::proven(self)
    }
}

impl IssuedToken {
    pub(super) fn new(minted: Minted, principal: Principal, role: Name, scope: Scope) -> Self {
        let bound = minted.facts.binding != crate::identity::Binding::Bearer;
        let (id, expires_at) = (minted.facts.id, minted.facts.expires_at);
        Self { text: minted.text, id, expires_at, role, scope, bound, principal }
    }
}

pub(super) fn not_minted(error: MintError) -> EngineError {
    match error {
        MintError::Key(why) => EngineError::Internal(why),
        other => EngineError::state("TOKEN_NOT_MADE", other.to_string()),
    }
}
