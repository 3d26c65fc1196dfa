//! Authorization code with PKCE: the browser comes back to a port on loopback (RFC 8252).

use std::{net::Ipv4Addr, process::Stdio, time::Duration};

use data_encoding::BASE64URL_NOPAD;
use keyward_sdk::{crypto::random, secret::SecretString};
use oauth2::{AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use tokio::net::TcpListener;

use super::{callback, http::Http, provider::Provider};
use crate::cli::{CliError, output::Output};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Logs in with a browser on this machine.
pub(super) async fn log_in(
    provider: &Provider,
    http: &Http,
    port: u16,
    open: bool,
    output: &Output,
) -> Result<SecretString, CliError> {
    let fail = |error: &dyn std::fmt::Display| CliError::other("waiting for the browser's answer", error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|e| fail(&e))?;
    let port = listener.local_addr().map_err(|e| fail(&e))?.port();
    let redirect = RedirectUrl::new(format!("http://127.0.0.1:{port}{}", callback::PATH)).map_err(|e| fail(&e))?;
    let client = provider.client.clone().set_redirect_uri(redirect);
    let verifier = PkceCodeVerifier::new(fresh());
    let (state, nonce) = (fresh(), fresh());
    let request = client.authorize_url(|| CsrfToken::new(state.clone())).map_err(|e| fail(&e))?;
    let (url, _) = request
        .add_scopes(provider.scopes())
        .add_extra_param("nonce", &nonce)
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .url();
    output.note(&format!("Log in here:\n  {url}"));
    if open {
        open_browser(url.as_str());
    }
    let wanted = callback::Wanted { state: &state, issuer: &provider.issuer };
    let code = tokio::time::timeout(PATIENCE, callback::receive(&listener, &wanted)).await;
    let code = code.map_err(|_| fail(&"nobody logged in within 5 minutes"))??;
    let call = |request| http.send(request);
    let answer =
        client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier).request_async(&call).await;
    provider.id_token(&answer.map_err(|error| provider.refused(error))?, Some(&nonce))
}

/// 32 random bytes.
fn fresh() -> String {
    BASE64URL_NOPAD.encode(&random::array::<32>())
}

/// Opens a browser where there is a desktop. If that fails, the address is on the screen.
fn open_browser(url: &str) {
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if desktop || cfg!(target_os = "macos") {
        let mut command = tokio::process::Command::new(program);
        let _unseen = command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    }
}
