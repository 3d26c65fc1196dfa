//! Calls over https to others than the broker: the system's authorities, no redirects, limits on size and time.

use std::{path::Path, time::Duration};

use keyward_kit::tls;
use reqwest::{Client, Response, Url, redirect};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use zeroize::Zeroizing;

use super::CliError;

/// How long one call may take.
const CALL: Duration = Duration::from_secs(15);

/// A client that trusts the system's authorities and the one in `ca`.
///
/// # Errors
/// When the file cannot be read or TLS cannot be set up.
pub(super) fn client(ca: Option<&Path>) -> Result<Client, CliError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca {
        let fail = |error: String| CliError::other(format!("reading {}", file.display()), error);
        for certificate in CertificateDer::pem_file_iter(file).map_err(|e| fail(e.to_string()))? {
            roots.add(certificate.map_err(|e| fail(e.to_string()))?).map_err(|e| fail(e.to_string()))?;
        }
    }
    let setting_up = |error: &dyn std::fmt::Display| CliError::other("setting up TLS", error);
    let config = rustls::ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| setting_up(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .timeout(CALL)
        .user_agent("keyward")
        .build();
    client.map_err(|e| setting_up(&e))
}

/// The address, if what is secret may go there: over https, or in clear to this very machine.
pub(super) fn allowed(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    (url.scheme() == "https" || (url.scheme() == "http" && here)).then_some(url)
}

/// The body, unless it is longer than `most`.
///
/// # Errors
/// In words, without the address that was asked.
pub(super) async fn body(mut response: Response, most: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(most));
    while let Some(chunk) = response.chunk().await.map_err(reason)? {
        if body.len() + chunk.len() > most {
            return Err(format!("the answer is larger than {} KiB", most / 1024));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost reason of a failed call; the address that was asked may hold what nobody should read.
pub(super) fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", CALL.as_secs());
    }
    let error = error.without_url();
    let mut at: &dyn std::error::Error = &error;
    while let Some(inner) = at.source() {
        at = inner;
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_goes_over_https_only() {
        for good in ["https://ci.example/token", "http://127.0.0.1:8080/token", "http://[::1]/", "http://localhost:1/"]
        {
            assert!(allowed(good).is_some(), "{good}");
        }
        for bad in ["http://ci.example/", "http://127.0.0.1.example/", "ftp://127.0.0.1/", "ci.example", ""] {
            assert!(allowed(bad).is_none(), "{bad}");
        }
    }
}
