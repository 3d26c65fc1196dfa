//! Logging in, narrowing and revoking tokens.

mod attenuate;
mod issued;
mod login;
mod redeem;
mod revoke;
mod whoami;

pub use self::{
    attenuate::Attenuate,
    issued::IssuedToken,
    login::Login,
    redeem::RedeemBootstrapToken,
    revoke::{Revoke, RevokeSelf, RevokeWhat},
    whoami::{WhoAmI, WhoIs},
};
pub(in crate::engine) use self::{login::old_marks, revoke::revoke_all};
use crate::method::{ResourceKind, Tenantwide};

/// What all of these are about.
const TOKENS: Tenantwide = Tenantwide(ResourceKind::Token);
