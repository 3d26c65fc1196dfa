//! Gets the OIDC token that says which job this is.

use std::{path::Path, time::Duration};

use keyward_sdk::secret::SecretString;
use reqwest::{Client, RequestBuilder, StatusCode, header};
use serde::Deserialize;

use super::detect::Source;
use crate::cli::{CliError, http};

/// The largest token, and the largest answer that holds one.
const MOST: usize = 64 * 1024;
/// How long to wait before the next try. CI systems fail now and then for a moment.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_500)];

/// The token.
///
/// # Errors
/// When it cannot be had: why not, and nothing of what was read.
pub(super) async fn token(source: Source, audience: &str, ca: Option<&Path>) -> Result<SecretString, CliError> {
    match source {
        Source::Given(token) => Ok(token),
        Source::File(file) => read(&file),
        Source::Github { url, bearer } => {
            let mut url = checked(&url, "ACTIONS_ID_TOKEN_REQUEST_URL")?;
            url.query_pairs_mut().append_pair("audience", audience);
            let request = |client: &Client| client.get(url.clone()).header(header::ACCEPT, "application/json");
            ask("GitHub Actions", &http::client(ca)?, &request, &bearer).await
        }
        Source::Azure { url, bearer } => {
            let mut url = checked(&url, "SYSTEM_OIDCREQUESTURI")?;
            url.query_pairs_mut().append_pair("api-version", "7.1-preview.1");
            let request = |client: &Client| {
                let request = client.post(url.clone()).header(header::CONTENT_TYPE, "application/json").body("");
                // An answer to a program, not a page to log in at.
                request.header("x-tfs-fedauthredirect", "Suppress")
            };
            ask("Azure Pipelines", &http::client(ca)?, &request, &bearer).await
        }
    }
}

fn read(file: &Path) -> Result<SecretString, CliError> {
    use std::io::Read;
    let fail =
        |error: &dyn std::fmt::Display| CliError::other(format!("reading the OIDC token in {}", file.display()), error);
    let mut text = String::with_capacity(MOST);
    let opened = std::fs::File::open(file).map_err(|e| fail(&e))?;
    // A file that is not text is not shown, the error says only that.
    let size = opened.take(MOST as u64).read_to_string(&mut text).map_err(|e| fail(&e))?;
    let text = SecretString::new(text).map_err(|e| fail(&e))?.trimmed();
    match size {
        MOST => Err(fail(&"it is too long for a token")),
        _ if text.is_empty() => Err(fail(&"it is empty")),
        _ => Ok(text),
    }
}

fn checked(url: &str, variable: &str) -> Result<reqwest::Url, CliError> {
    http::allowed(url).ok_or_else(|| CliError::usage(format!("{variable} is not an https address")))
}

/// What both systems answer with.
#[derive(Deserialize)]
struct Answer {
    #[serde(alias = "oidcToken", with = "keyward_sdk::secret::serde_exposed")]
    value: SecretString,
}

/// Why a try failed, and whether another may do better.
struct Failed {
    why: String,
    again: bool,
}

async fn ask(
    system: &str,
    client: &Client,
    request: &dyn Fn(&Client) -> RequestBuilder,
    bearer: &SecretString,
) -> Result<SecretString, CliError> {
    let mut value = header::HeaderValue::try_from(format!("Bearer {}", bearer.expose()))
        .map_err(|_| CliError::usage(format!("the request token of {system} has characters that no token has")))?;
    value.set_sensitive(true);
    let mut pauses = PAUSES.into_iter();
    loop {
        let tried = try_once(request(client).header(header::AUTHORIZATION, value.clone())).await;
        match (tried, pauses.next()) {
            (Ok(token), _) => return Ok(token),
            (Err(Failed { again: true, .. }), Some(pause)) => tokio::time::sleep(pause).await,
            (Err(failed), _) => return Err(CliError::other(format!("asking {system} who this job is"), failed.why)),
        }
    }
}

async fn try_once(request: RequestBuilder) -> Result<SecretString, Failed> {
    let response = request.send().await.map_err(|error| Failed { why: http::reason(error), again: true })?;
    let status = response.status();
    if status != StatusCode::OK {
        let again = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let why = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "the job's request token is not accepted".to_owned(),
            _ => format!("the answer is {status}"),
        };
        return Err(Failed { why, again });
    }
    let body = http::body(response, MOST).await.map_err(|why| Failed { why, again: true })?;
    // The parser's error would show parts of the answer.
    let unreadable = |_| Failed { why: "the answer has no token".to_owned(), again: false };
    serde_json::from_slice::<Answer>(&body).map(|answer| answer.value).map_err(unreadable)
}
