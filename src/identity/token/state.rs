//! What a token holds, sealed. Added to only together with a new format: a reader that does not know a member would ignore
//! a limit.

use keyward_sdk::{envelope::Context, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    identity::{Binding, Claims, Principal, Scope, TokenId},
    method::{Name, TenantId},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    #[serde(rename = "p")]
    pub(super) principal: Principal,
    #[serde(rename = "r")]
    pub(super) role: Name,
    #[serde(rename = "c")]
    pub(super) claims: Claims,
    #[serde(rename = "s")]
    pub(super) scope: Scope,
    /// When the first token of the chain was issued.
    #[serde(rename = "i")]
    pub(super) issued_at: Timestamp,
    #[serde(rename = "e")]
    pub(super) expires_at: Timestamp,
    #[serde(rename = "t")]
    pub(super) id: TokenId,
    #[serde(rename = "a")]
    pub(super) ancestors: Vec<TokenId>,
    #[serde(rename = "b")]
    pub(super) binding: Binding,
}

/// What a token's envelope is bound to: no other sealed value of the tenant can pass for one.
pub(super) const fn context(tenant: TenantId) -> Context<'static> {
    Context { purpose: "keyward/token", tenant: tenant.0, key_id: b"keyring" }
}
