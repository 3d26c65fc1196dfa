//! What was revoked.

use keyward_sdk::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    identity::{IssuerRef, Principal, TokenId, token::MAX_LIFE},
    keyring::ControlType,
    method::Name,
};

/// Whose tokens a record takes back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revoked {
    /// All of an issuer's principals.
    Issuer(IssuerRef),
    /// One principal's, its certificates too.
    Principal(Principal),
    /// All in a role.
    Role(Name),
    /// The whole tenant's, certificates too.
    Tenant,
    /// One token, and all that were narrowed from it.
    Token(TokenId),
}

/// A record of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Whose tokens.
    pub what: Revoked,
    /// Issued up to and with this moment. A token by id counts whenever it was issued.
    pub issued_before: Timestamp,
    /// When the record was made.
    pub at: Timestamp,
    /// Its holder took the token back; none: an operator did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnToken>,
}

/// A token that its holder took back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnToken {
    /// The holder.
    pub by: Principal,
    /// When it would have ended by itself, and with it all that were narrowed from it.
    pub ends: Timestamp,
}

impl Revocation {
    /// Takes back what was issued up to now.
    #[must_use]
    pub const fn now(what: Revoked, now: Timestamp) -> Self {
        Self { what, issued_before: now, at: now, own: None }
    }

    /// When nothing that it matches can be alive any more. Node certificates outlive tokens; their own records carry
    /// their revocation as well.
    #[must_use]
    pub fn forget_at(&self) -> Timestamp {
        if let Some(own) = &self.own {
            return own.ends;
        }
        self.issued_before.max(self.at).saturating_add(match self.what {
            Revoked::Token(_) | Revoked::Role(_) => MAX_LIFE,
            // Certificates count as issued when their time began.
            Revoked::Issuer(_) | Revoked::Principal(_) | Revoked::Tenant => super::hot::MAX_CERTIFICATE_LIFE,
        })
    }
}

impl ControlType for Revocation {
    const KIND: &'static str = "revocation";
}
