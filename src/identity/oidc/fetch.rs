//! Documents of issuers, fetched.

use async_trait::async_trait;
use bytes::Bytes;

use super::Authorities;

/// Fetches one document. The real one is [`HttpFetch`](super::HttpFetch); tests have their own.
#[async_trait]
pub trait Fetch: Send + Sync + 'static {
    /// The document at `url`, whose host proves itself by a certificate of `authorities`, or else of the system's.
    ///
    /// # Errors
    /// [`FetchError`] when it is not to be had within the limits.
    async fn fetch(&self, url: &str, authorities: Option<&Authorities>) -> Result<Bytes, FetchError>;
}

/// Why a document was not fetched. Shown in the issuer's state, so it holds no more than the host's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address is of a kind that is not asked.
    #[error("address of `{0}` is private, loopback or link-local; the installation's settings can allow the host")]
    Address(String),
    /// No connection, or it broke.
    #[error("`{host}` does not answer: {what}")]
    Connect {
        /// Whom we asked.
        host: String,
        /// What happened.
        what: &'static str,
    },
    /// The document is not what it should be.
    #[error("document of `{host}` is refused: {what}")]
    Document {
        /// Whom we asked.
        host: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The discovery document speaks of another issuer.
    #[error("discovery document names another issuer than `iss`; they are compared byte for byte")]
    Issuer,
    /// Nothing was fetched yet, or what was fetched is too old to count.
    #[error("no keys were fetched within the last 24 hours")]
    Never,
    /// It wants us to go elsewhere.
    #[error("`{0}` answers with a redirect, which is not followed; register the final address")]
    Redirect(String),
    /// Not https.
    #[error("address is not an https URL without user and password")]
    Scheme,
    /// Another status than 200.
    #[error("`{host}` answers with status {status}")]
    Status {
        /// Whom we asked.
        host: String,
        /// The status.
        status: u16,
    },
    /// It took too long.
    #[error("`{0}` did not finish its answer within the time limit")]
    Timeout(String),
    /// Too large.
    #[error("document of `{0}` is larger than 512 KiB")]
    TooLarge(String),
}
