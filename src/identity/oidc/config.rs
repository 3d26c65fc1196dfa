//! What the tenant's operators say of an issuer. Kept sealed, as control state.

use std::collections::BTreeMap;

use keyward_sdk::time::Span;
use serde::{Deserialize, Serialize};

use super::{Authorities, DeclaredClaim, SignatureAlgorithm, jwk::KeySet};
use crate::{identity::ClaimType, method::Name};

const MAX_ISS_BYTES: usize = 512;
const MAX_AUDIENCES: usize = 16;
const MAX_CLAIMS: usize = 64;
const MAX_CLAIM_NAME_BYTES: usize = 64;
const MAX_SKEW_SECONDS: u32 = 300;
/// How far an issuer's clock may be off when nothing is said, in seconds.
pub const DEFAULT_SKEW_SECONDS: u32 = 60;

/// Where the issuer's keys come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// `iss` and `/.well-known/openid-configuration` say where they are.
    Discovery,
    /// A JWKS document at this address.
    Jwks(String),
    /// This JWKS document; nothing is fetched.
    Static(String),
}

/// How often one token may log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replay {
    /// Until it expires: no write at login.
    #[default]
    Allow,
    /// Once: costs a write. For issuers whose audience cannot be ours.
    Once,
}

/// An issuer of OIDC tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its name in the tenant; principals and policies use it.
    pub name: Name,
    /// The claim `iss` of its tokens, byte for byte.
    pub iss: String,
    /// Where its keys come from.
    pub keys: KeySource,
    /// Who vouches for the hosts that its keys are fetched from, instead of the system's authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<Authorities>,
    /// Audiences that mean us: a token has at least one of them.
    pub audiences: Vec<String>,
    /// The algorithms that its tokens may be signed with.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// How far its clock may be off, in seconds.
    #[serde(default = "default_skew")]
    pub clock_skew_seconds: u32,
    /// How long after `iat` a token may log in, whatever its `exp` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_token_age_seconds: Option<u32>,
    /// How often one token may log in.
    #[serde(default)]
    pub replay: Replay,
    /// The claims that policies may read, by the name that they use.
    #[serde(default)]
    pub claims: BTreeMap<String, DeclaredClaim>,
}

const fn default_skew() -> u32 {
    DEFAULT_SKEW_SECONDS
}

/// What is wrong with an issuer's settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuer setting `{field}`: {what}")]
pub struct ConfigProblem {
    /// The setting.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub what: String,
}

impl IssuerConfig {
    /// How far its clock may be off.
    #[must_use]
    pub const fn clock_skew(&self) -> Span {
        Span::from_secs(self.clock_skew_seconds as u64)
    }

    /// The claims that policies may read, with their types.
    #[must_use]
    pub fn declared_types(&self) -> BTreeMap<String, ClaimType> {
        self.claims.iter().map(|(name, claim)| (name.clone(), claim.kind)).collect()
    }

    /// Checks what serde cannot. Whether an address may be asked is decided at each fetch, by the installation's
    /// settings.
    ///
    /// # Errors
    /// The first problem found.
    pub fn check(&self) -> Result<(), ConfigProblem> {
        let problem = |field, what: &str| Err(ConfigProblem { field, what: what.to_owned() });
        if self.iss.is_empty() || self.iss.len() > MAX_ISS_BYTES || self.iss.chars().any(char::is_control) {
            return problem("iss", "needs 1 to 512 bytes without control characters");
        }
        let audience = |a: &String| !a.is_empty() && a.len() <= MAX_ISS_BYTES && !a.chars().any(char::is_control);
        if self.audiences.is_empty() || self.audiences.len() > MAX_AUDIENCES || !self.audiences.iter().all(audience) {
            return problem("audiences", "needs 1 to 16 audiences of 1 to 512 bytes; a token for anyone is for no one");
        }
        if self.algorithms.is_empty() || self.algorithms.len() > SignatureAlgorithm::ALL.len() {
            return problem("algorithms", "name at least one, such as RS256");
        }
        if self.clock_skew_seconds > MAX_SKEW_SECONDS {
            return problem("clock_skew_seconds", "at most 300 are allowed");
        }
        if self.max_token_age_seconds == Some(0) {
            return problem("max_token_age_seconds", "needs at least one second");
        }
        if self.claims.len() > MAX_CLAIMS {
            return problem("claims", "at most 64 are allowed");
        }
        if !self.claims.keys().all(|name| is_attribute(name)) {
            return problem(
                "claims",
                "a name has 1 to 64 ASCII letters, digits and `_`, no digit first; say `path` for another place",
            );
        }
        self.check_keys()
    }

    fn check_keys(&self) -> Result<(), ConfigProblem> {
        let problem = |what: String| Err(ConfigProblem { field: "keys", what });
        match &self.keys {
            KeySource::Discovery => is_url(&self.iss)
                .or_else(|()| problem("discovery needs an `iss` that is a URL without query and fragment".into())),
            KeySource::Jwks(url) => is_url(url).or_else(|()| problem("the JWKS address is no https URL".into())),
            KeySource::Static(document) => match KeySet::parse(document.as_bytes()) {
                Ok(_) => Ok(()),
                Err(error) => problem(error.to_string()),
            },
        }
    }
}

fn is_url(text: &str) -> Result<(), ()> {
    let url = reqwest::Url::parse(text).map_err(|_| ())?;
    let plain = matches!(url.scheme(), "https" | "http") && url.has_host() && url.fragment().is_none();
    let no_login = url.username().is_empty() && url.password().is_none();
    if plain && no_login && text.len() <= 2_048 { Ok(()) } else { Err(()) }
}

fn is_attribute(name: &str) -> bool {
    name.len() <= MAX_CLAIM_NAME_BYTES
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> IssuerConfig {
        serde_json::from_str(r#"{"name":"ci","iss":"https://ci.example","keys":"discovery","audiences":["keyward"],"algorithms":["RS256"]}"#).unwrap()
    }

    #[test]
    fn an_issuer_without_audience_or_algorithm_is_refused() {
        assert_eq!(config().check(), Ok(()));
        assert_eq!(config().clock_skew_seconds, 60);
        let field = |change: fn(&mut IssuerConfig)| {
            let mut config = config();
            change(&mut config);
            config.check().unwrap_err().field
        };
        assert_eq!(field(|c| c.audiences.clear()), "audiences");
        assert_eq!(field(|c| c.audiences.push(String::new())), "audiences");
        assert_eq!(field(|c| c.algorithms.clear()), "algorithms");
        assert_eq!(field(|c| c.clock_skew_seconds = 301), "clock_skew_seconds");
        assert_eq!(field(|c| c.iss = "not a url".into()), "keys");
        assert_eq!(field(|c| c.keys = KeySource::Jwks("ftp://x".into())), "keys");
        assert_eq!(field(|c| c.keys = KeySource::Jwks("https://user:pw@x/".into())), "keys");
        assert_eq!(field(|c| c.keys = KeySource::Static("{}".into())), "keys");
        assert_eq!(
            field(|c| {
                c.claims.insert("a-b".into(), DeclaredClaim { kind: crate::identity::ClaimType::Text, path: None });
            }),
            "claims"
        );
    }

    #[test]
    fn settings_cannot_name_none_or_an_hmac() {
        for algorithm in ["none", "HS256"] {
            let text = format!(
                r#"{{"name":"ci","iss":"https://x","keys":"discovery","audiences":["a"],"algorithms":["{algorithm}"]}}"#
            );
            assert!(serde_json::from_str::<IssuerConfig>(&text).is_err());
        }
    }
}
