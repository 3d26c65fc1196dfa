//! Who is calling. Nothing here decides what a caller may do; that is `policy`.

mod caller;
mod claim;
pub mod oidc;
mod scope;

pub use self::{
    caller::{Caller, CallerParts, IssuerRef, Principal, TokenFacts, TokenId},
    claim::{ClaimType, ClaimValue, Claims},
    scope::{Scope, ScopeError},
};
