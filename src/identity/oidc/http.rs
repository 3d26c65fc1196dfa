//! Documents fetched over https: no redirects, no proxy, limits on size and time, and no address that is not public.
//!
//! Every address that a name resolves to is checked, and the connection goes to one of the addresses that were checked, so
//! that a name cannot point elsewhere between the check and the use.

use std::{
    error::Error as _,
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use rustls::{ClientConfig, RootCertStore};

use super::{
    Authorities,
    address::is_public,
    fetch::{Fetch, FetchError},
};

/// The largest document.
const MAX_BYTES: usize = 512 << 10;

/// What the installation says about fetching. No issuer can change it.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// Hosts (names or addresses, exact, lower case) that may be asked although their address is not public.
    pub private_hosts: Vec<String>,
    /// Whether those hosts may be asked over plain http. For tests and `dev`.
    pub danger_plain_http: bool,
    /// How long one document may take, all in all.
    pub timeout: Duration,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self { private_hosts: Vec::new(), danger_plain_http: false, timeout: Duration::from_secs(10) }
    }
}

/// Fetches over the network.
pub struct HttpFetch {
    settings: Arc<FetchSettings>,
    /// Trusts the system's authorities. Made when first used: reading them takes a while, and many installations fetch
    /// nothing.
    client: OnceLock<Option<Client>>,
}

impl HttpFetch {
    /// A fetcher with these settings.
    #[must_use]
    pub fn new(settings: FetchSettings) -> Self {
        Self { settings: Arc::new(settings), client: OnceLock::new() }
    }

    fn check(&self, url: &str) -> Result<(Url, String), FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::Scheme)?;
        let host = url.host_str().ok_or(FetchError::Scheme)?.to_owned();
        let allowed = self.settings.private_hosts.contains(&host);
        let scheme = url.scheme() == "https" || (url.scheme() == "http" && allowed && self.settings.danger_plain_http);
        if !scheme || !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Scheme);
        }
        // A literal address never reaches the resolver. The parser has already read every odd spelling of one.
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if !allowed && literal.is_ok_and(|address| !is_public(address)) {
            return Err(FetchError::Address(host));
        }
        Ok((url, host))
    }

    async fn get(&self, url: Url, host: &str, authorities: Option<&Authorities>) -> Result<Bytes, FetchError> {
        let client = match authorities {
            Some(own) => build(&self.settings, own.roots()),
            None => self.client.get_or_init(|| build(&self.settings, of_the_system())).clone(),
        };
        let client =
            client.ok_or(FetchError::Connect { host: host.to_owned(), what: "no TLS client could be made" })?;
        let mut response = client.get(url).send().await.map_err(|error| explain(host, &error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(FetchError::Redirect(host.to_owned()));
        }
        if status != reqwest::StatusCode::OK {
            return Err(FetchError::Status { host: host.to_owned(), status: status.as_u16() });
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| explain(host, &error))? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLarge(host.to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

#[async_trait]
impl Fetch for HttpFetch {
    async fn fetch(&self, url: &str, authorities: Option<&Authorities>) -> Result<Bytes, FetchError> {
        let (url, host) = self.check(url)?;
        // Around everything, name resolution included.
        let limited = tokio::time::timeout(self.settings.timeout, self.get(url, &host, authorities)).await;
        limited.unwrap_or_else(|_| Err(FetchError::Timeout(host)))
    }
}

fn of_the_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn build(settings: &Arc<FetchSettings>, roots: RootCertStore) -> Option<Client> {
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Checked(Arc::clone(settings)))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .http1_only()
        .pool_max_idle_per_host(0)
        .timeout(settings.timeout)
        .user_agent("keyward")
        .build()
        .ok()
}

fn explain(host: &str, error: &reqwest::Error) -> FetchError {
    let host = host.to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(ours) = inner.downcast_ref::<FetchError>() {
            return ours.clone();
        }
        if inner.is::<rustls::Error>() {
            return FetchError::Connect { host, what: "its TLS certificate is not trusted, or TLS failed" };
        }
        // An io::Error hides what it carries from `source`.
        let carried = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = carried.map(|carried| carried as &(dyn std::error::Error + 'static)).or_else(|| inner.source());
    }
    if error.is_timeout() {
        return FetchError::Timeout(host);
    }
    let what = if error.is_connect() { "no connection" } else { "the connection broke off" };
    FetchError::Connect { host, what }
}

/// Resolves names and passes on nothing that may not be asked.
struct Checked(Arc<FetchSettings>);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.private_hosts.iter().any(|host| host == name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(pass(name.as_str(), found, allowed)?)
        })
    }
}

/// All addresses or none: a name with one public and one private address is a trap.
fn pass(host: &str, found: Vec<std::net::SocketAddr>, allowed: bool) -> Result<Addrs, FetchError> {
    if allowed || found.iter().all(|address| is_public(address.ip())) {
        return Ok(Box::new(found.into_iter()));
    }
    Err(FetchError::Address(host.to_owned()))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
