//! What the issuer answers: discovery, keys, and the token endpoints of GitHub Actions and Azure Pipelines.

use serde_json::{Value, json};

use super::keys::Alg;
use super::{REQUEST_TOKEN, Shared, claims};

/// What was asked.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn has_bearer(&self) -> bool {
        self.header("authorization").is_some_and(|value| value.eq_ignore_ascii_case(&format!("bearer {REQUEST_TOKEN}")))
    }
}

/// A status and a body; a redirect's address stands in the body.
pub(super) fn answer(shared: &Shared, base: &str, request: &Request) -> (u16, String) {
    let path = request.path.as_str();
    if let Some(prefix) = path.strip_suffix("/.well-known/openid-configuration") {
        let issuer = format!("{base}{prefix}");
        let document = json!({
            "issuer": issuer, "jwks_uri": format!("{issuer}/jwks"),
            "subject_types_supported": ["public"], "response_types_supported": ["id_token"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        });
        return (200, document.to_string());
    }
    if path.ends_with("/jwks") {
        return (200, shared.jwks().to_string());
    }
    match path {
        "/github/idtoken" => github(shared, request),
        path if path.starts_with("/azure/") && path.ends_with("/oidctoken") => azure(shared, request),
        _ => (404, json!({ "message": "not found" }).to_string()),
    }
}

fn github(shared: &Shared, request: &Request) -> (u16, String) {
    if request.method != "GET" {
        return (405, String::new());
    }
    if !request.has_bearer() {
        return (401, json!({ "message": "the request token is missing or wrong" }).to_string());
    }
    let mut claims = claims::github(&shared.https);
    if let Some(audience) = request.query("audience") {
        claims["aud"] = json!(audience);
    }
    let token = token(shared, claims);
    (200, json!({ "count": token.len(), "value": token }).to_string())
}

fn azure(shared: &Shared, request: &Request) -> (u16, String) {
    if !request.has_bearer() {
        // Without the header the service sends whoever is not logged in to its sign-in page.
        return if request.header("x-tfs-fedauthredirect") == Some("Suppress") {
            (401, String::new())
        } else {
            (302, format!("{}/signin", shared.https))
        };
    }
    if request.method != "POST" {
        return (405, String::new());
    }
    let Some(version) = request.query("api-version") else {
        return (400, json!({ "message": "no api-version was given" }).to_string());
    };
    if !version.starts_with("7.") {
        return (400, json!({ "message": format!("api-version {version} is not known") }).to_string());
    }
    (200, json!({ "oidcToken": token(shared, claims::azure(&shared.https)) }).to_string())
}

fn token(shared: &Shared, claims: Value) -> String {
    let state = shared.state();
    state.keys.sign(Alg::Rs256, json!({}), &claims::merged(claims, state.overrides.clone()))
}
