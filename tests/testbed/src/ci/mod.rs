//! Identity tokens shaped like those of each CI system, from an issuer that a test holds in its hand.
//!
//! The claims are those of brokers in the field as of 2026; types too (GitLab's ids and `ref_protected` are strings,
//! Jenkins' `build_number` is a number). Any claim may be replaced, or removed with null.

mod claims;
mod endpoint;
mod keys;
mod server;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::TestCa;
use crate::runtime::Stopper;

pub use self::keys::Alg;
use self::keys::Keys;
pub use self::server::Fault;

/// An issuer on loopback, over https and http at once, with the token endpoints of GitHub Actions and Azure Pipelines.
#[derive(Debug)]
pub struct CiTokens {
    shared: Arc<Shared>,
    dir: TempDir,
    _servers: [Stopper; 2],
}

#[derive(Debug)]
struct Shared {
    https: String,
    http: String,
    ca: TestCa,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    keys: Keys,
    leading_zero: bool,
    faults: HashMap<String, Fault>,
    seen: HashMap<String, usize>,
    /// What the token endpoints put into tokens beyond the usual.
    overrides: Value,
}

/// The bearer that the stand-ins of the CI systems' token endpoints want.
pub const REQUEST_TOKEN: &str = "testbed-ci-request-token";

impl CiTokens {
    /// Starts one.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let dir = TempDir::with_prefix("ci-").expect("a temporary folder");
        let ca = TestCa::new("testbed issuer");
        let (certificate, key) = ca.server(&[]);
        std::fs::write(dir.path().join("ca.crt"), ca.pem()).expect("the file can be written");
        let [(https_listener, https), (http_listener, http)] = ["https", "http"].map(server::listen);
        let state = State {
            keys: Keys::generate(),
            leading_zero: false,
            faults: HashMap::new(),
            seen: HashMap::new(),
            overrides: json!({}),
        };
        let shared = Arc::new(Shared { https, http, ca, state: Mutex::new(state) });
        let tls = server::acceptor(&certificate, &key);
        let servers = [
            server::start(https_listener, Some(tls), Arc::clone(&shared)),
            server::start(http_listener, None, Arc::clone(&shared)),
        ];
        Self { shared, dir, _servers: servers }
    }

    /// `https://127.0.0.1:PORT`. Discovery also answers below any path, as an issuer of that path.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.shared.https
    }

    /// `http://127.0.0.1:PORT`: the same issuer without TLS.
    #[must_use]
    pub fn http_issuer(&self) -> &str {
        &self.shared.http
    }

    /// The authority of its certificate, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.shared.ca.pem()
    }

    /// The same as a file.
    #[must_use]
    pub fn ca_path(&self) -> PathBuf {
        self.dir.path().join("ca.crt")
    }

    /// The key set as it is served.
    #[must_use]
    pub fn jwks(&self) -> Value {
        self.shared.jwks()
    }

    /// New keys; the old ones are gone from the set.
    pub fn rotate(&self) {
        self.shared.state().keys = Keys::generate();
    }

    /// Whether the RSA modulus is published with a leading zero byte, as Jenkins does.
    pub fn leading_zero(&self, on: bool) {
        self.shared.state().leading_zero = on;
    }

    /// From now on, paths that end with `suffix` (`/jwks`, `/openid-configuration`) fail in this way.
    pub fn fault(&self, suffix: &str, fault: Fault) {
        self.shared.state().faults.insert(suffix.to_owned(), fault);
    }

    /// Every path works again.
    pub fn heal(&self) {
        self.shared.state().faults.clear();
    }

    /// How often `path` was asked for.
    #[must_use]
    pub fn seen(&self, path: &str) -> usize {
        self.shared.state().seen.get(path).copied().unwrap_or(0)
    }

    /// A token as GitHub Actions makes them.
    #[must_use]
    pub fn github(&self, overrides: Value) -> String {
        self.sign(claims::github(self.issuer()), overrides)
    }

    /// A token as GitLab CI makes them.
    #[must_use]
    pub fn gitlab(&self, overrides: Value) -> String {
        self.sign(claims::gitlab(self.issuer()), overrides)
    }

    /// A token as Azure Pipelines makes them without a service connection.
    #[must_use]
    pub fn azure(&self, overrides: Value) -> String {
        self.sign(claims::azure(self.issuer()), overrides)
    }

    /// A token as the Jenkins plugin `oidc-provider` makes them; its issuer is [`Self::issuer`] and `/oidc`.
    #[must_use]
    pub fn jenkins(&self, overrides: Value) -> String {
        self.sign(claims::jenkins(self.issuer()), overrides)
    }

    /// A token with just `claims`, signed by the key of `alg`; `header` adds to and replaces the header's fields.
    #[must_use]
    pub fn signed(&self, alg: Alg, header: Value, claims: &Value) -> String {
        self.shared.state().keys.sign(alg, header, claims)
    }

    /// What the token endpoints put into tokens beyond the usual claims.
    pub fn endpoint_claims(&self, overrides: Value) {
        self.shared.state().overrides = overrides;
    }

    /// The environment of a GitHub Actions job with `id-token: write`.
    #[must_use]
    pub fn github_env(&self, tls: bool) -> Vec<(String, String)> {
        claims::github_env(self.base(tls))
    }

    /// The environment of a GitLab job with `id_tokens: { KEYWARD_ID_TOKEN: { aud: .. } }`.
    #[must_use]
    pub fn gitlab_env(&self, overrides: Value) -> Vec<(String, String)> {
        claims::gitlab_env(self.issuer(), self.gitlab(overrides))
    }

    /// The environment of an Azure Pipelines step that maps `SYSTEM_ACCESSTOKEN`.
    #[must_use]
    pub fn azure_env(&self, tls: bool) -> Vec<(String, String)> {
        claims::azure_env(self.base(tls))
    }

    /// The environment of a Jenkins step in `withCredentials([string(variable: 'KEYWARD_ID_TOKEN', ..)])`.
    #[must_use]
    pub fn jenkins_env(&self, overrides: Value) -> Vec<(String, String)> {
        claims::jenkins_env(self.issuer(), self.jenkins(overrides))
    }

    fn base(&self, tls: bool) -> &str {
        if tls { self.issuer() } else { self.http_issuer() }
    }

    fn sign(&self, claims: Value, overrides: Value) -> String {
        self.signed(Alg::Rs256, json!({}), &claims::merged(claims, overrides))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn jwks(&self) -> Value {
        let state = self.state();
        state.keys.jwks(state.leading_zero)
    }
}
