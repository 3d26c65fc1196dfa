//! Calls to a provider: https, no redirects, limited in size and time.

use std::path::Path;

use oauth2::{HttpRequest, HttpResponse};
use reqwest::{Client, Url};

use crate::cli::{CliError, http};

/// The most bytes of an answer.
const MOST: usize = 512 * 1024;

/// Why a call to the provider failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// Neither https nor this machine.
    #[error("`{0}` is not an https address")]
    Scheme(String),
    /// No answer.
    #[error("{0}")]
    Call(String),
    /// Not to be understood.
    #[error("the answer cannot be read")]
    Answer,
    /// Too large.
    #[error("the answer is larger than 512 KiB")]
    TooLarge,
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        Self::Call(http::reason(error))
    }
}

/// See the module.
pub(super) struct Http(Client);

impl Http {
    /// Trusts the system's authorities and the one in `ca`.
    pub(super) fn new(ca: Option<&Path>) -> Result<Self, CliError> {
        http::client(ca).map(Self)
    }

    /// Gets a document.
    pub(super) async fn get(&self, url: &str) -> Result<Vec<u8>, HttpError> {
        let (status, body) = self.read(self.0.get(allowed(url)?).send().await?).await?;
        if status == reqwest::StatusCode::OK { Ok(body) } else { Err(HttpError::Answer) }
    }

    /// Carries out a request of the protocol.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        allowed(request.url().as_str())?;
        let response = self.0.execute(request).await?;
        let kind = response.headers().get(::http::header::CONTENT_TYPE).cloned();
        let (status, body) = self.read(response).await?;
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = status;
        if let Some(kind) = kind {
            answer.headers_mut().insert(::http::header::CONTENT_TYPE, kind);
        }
        Ok(answer)
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<(reqwest::StatusCode, Vec<u8>), HttpError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MOST {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status(), body))
    }
}

/// Codes and tokens go over https only; in clear to this very machine at most.
pub(super) fn allowed(url: &str) -> Result<Url, HttpError> {
    http::allowed(url).ok_or_else(|| HttpError::Scheme(url.chars().take(200).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_tokens_go_over_https_only() {
        for good in ["https://id.example/token", "http://127.0.0.1:8080/token", "http://[::1]/", "http://localhost:1/"]
        {
            assert!(allowed(good).is_ok(), "{good}");
        }
        for bad in ["http://id.example/", "http://127.0.0.1.example/", "ftp://127.0.0.1/", "id.example", ""] {
            assert!(allowed(bad).is_err(), "{bad}");
        }
    }
}
