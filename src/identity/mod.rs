//! Who is calling. Nothing here decides what a caller may do; that is `policy`.

pub mod ca;
mod caller;
pub mod certificate;
mod claim;
mod error;
mod facts;
mod node;
pub mod oidc;
mod revocation;
mod role;
mod scope;
mod station;
pub mod token;

pub use self::{
    caller::{Binding, Caller, CallerParts, IssuerRef, Principal, TokenFacts, TokenId},
    certificate::{ClientAuthorities, PeerCertificate},
    claim::{ClaimType, ClaimValue, Claims},
    error::IdentityError,
    facts::{Facts, Peer},
    node::{NodeIdentity, NodeProblem, Nodes, ShownNode},
    oidc::{IssuerConfig, Issuers},
    revocation::{OwnToken, Revocation, Revocations, Revoked},
    role::{RoleConfig, RoleProblem, Roles},
    scope::{Scope, ScopeError},
    station::{Identity, TokenKeys},
};
