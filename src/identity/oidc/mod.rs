//! Tokens of OIDC issuers: CI systems, clusters and people alike.
//!
//! A token is taken apart with limits, its issuer is looked up by `iss` byte for byte, its signature is checked with a
//! key that fits the algorithm, and only then are its claims believed. What a caller may do with it is policy's word,
//! not ours; whether a token may be used once or often is the issuer's `replay`, kept by whoever logs a caller in.

mod address;
mod algorithm;
mod authorities;
mod claims;
mod config;
mod error;
mod fetch;
mod http;
mod issuers;
mod json;
mod jwk;
mod keys;
mod parse;
#[cfg(test)]
mod testing;
mod verify;
mod view;

pub use self::{
    algorithm::SignatureAlgorithm,
    authorities::Authorities,
    claims::{ClaimPath, DeclaredClaim},
    config::{ConfigProblem, DEFAULT_SKEW_SECONDS, IssuerConfig, KeySource, Replay},
    error::OidcError,
    fetch::{Fetch, FetchError},
    http::{FetchSettings, HttpFetch},
    issuers::{IssuerKey, IssuerState, Issuers},
    jwk::MAX_KEYS,
    keys::KeysState,
    parse::MAX_TOKEN_BYTES,
    verify::Verified,
};
