//! A full OpenID provider (npm `oidc-provider`) on loopback.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Process, Tool, bin, http};

/// A running provider. Its public client is `keyward-cli`, with loopback redirects on any port to `/`, `/callback` or
/// `/oidc/callback`, PKCE required, and the device code grant. The account `alice` (group `developers`) is there.
#[derive(Debug)]
pub struct OidcProvider {
    issuer: String,
    process: Process,
    _dir: TempDir,
}

/// What [`OidcProvider::browse`] saw at its end.
#[derive(Debug)]
pub struct Page {
    /// The last address, that of the program waiting on loopback included.
    pub url: String,
    /// The status code; 0 when nobody listened there.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl OidcProvider {
    /// The id of its public client.
    pub const CLIENT_ID: &str = "keyward-cli";

    /// Starts one on a free port.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn start() -> Self {
        Self::start_on(0).await
    }

    /// Starts one on `port`, for one that comes back with other keys under the same name.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn start_on(port: u16) -> Self {
        let dir = TempDir::with_prefix("oidc-").expect("a temporary folder");
        let log = dir.path().join("oidc.log");
        let mut process = Process::start("oidc-provider", &bin(Tool::OidcProvider), [port.to_string()], &log);
        let mut issuer = String::new();
        process
            .wait_ready("\"listening\" in its log", async || {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                let line =
                    log.split_inclusive('\n').find_map(|line| line.strip_prefix("listening ")?.strip_suffix('\n'));
                line.is_some_and(|line| {
                    line.clone_into(&mut issuer);
                    true
                })
            })
            .await;
        Self { issuer, process, _dir: dir }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Adds or replaces an account; `claims` such as `groups` go into its tokens.
    pub async fn account(&self, sub: &str, claims: Value) {
        self.ask("accounts", json!({ "sub": sub, "claims": claims })).await;
    }

    /// A token signed with the current RS256 key. `iss`, `sub` (alice), `iat`, `nbf`, `exp` (in five minutes) and `jti`
    /// are there; `claims` adds and replaces, null removes.
    pub async fn mint(&self, claims: Value) -> String {
        self.mint_with(json!({ "claims": claims })).await
    }

    /// As [`Self::mint`], with `{claims, header, alg: "RS256" or "ES256", lifetime}`.
    pub async fn mint_with(&self, request: Value) -> String {
        self.ask("mint", request).await["token"].as_str().expect("a token").to_owned()
    }

    /// Makes new keys and takes the old ones away.
    pub async fn rotate_keys(&self) {
        self.ask("rotate", json!({ "keep": false })).await;
    }

    /// Makes new keys and goes on publishing the old ones.
    pub async fn rotate_keys_keeping_old(&self) {
        self.ask("rotate", json!({ "keep": true })).await;
    }

    /// Plays the person with a browser at `url`, logged in as `sub`: follows redirects and submits forms until it comes
    /// to an address that is not the provider's, such as that of the program that waits on loopback, and gets that.
    /// Works for the authorization endpoint and for a device's `verification_uri_complete`.
    pub async fn browse(&self, url: &str, sub: &str) -> Page {
        self.page(json!({ "url": url, "sub": sub })).await
    }

    /// As [`Self::browse`], but the person refuses.
    pub async fn browse_and_refuse(&self, url: &str) -> Page {
        self.page(json!({ "url": url, "deny": true })).await
    }

    /// How often `path` was asked for.
    pub async fn seen(&self, path: &str) -> u64 {
        let reply = http::get(&format!("{}/_test/seen", self.issuer)).send().await.expect("the provider answers");
        reply.json()[path].as_u64().unwrap_or(0)
    }

    /// Takes it away (SIGKILL).
    pub fn kill(&mut self) {
        self.process.kill();
    }

    async fn page(&self, request: Value) -> Page {
        let page = self.ask("browse", request).await;
        Page {
            url: page["url"].as_str().expect("an address").to_owned(),
            status: page["status"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status"),
            body: page["body"].as_str().expect("a body").to_owned(),
        }
    }

    async fn ask(&self, what: &str, request: Value) -> Value {
        let reply = http::post(&format!("{}/_test/{what}", self.issuer)).json(&request).send().await;
        let reply = reply.unwrap_or_else(|error| panic!("{what}: {error}{}", self.process.log_tail()));
        assert_eq!(reply.status, 200, "{what}: {}", reply.text());
        reply.json()
    }
}
