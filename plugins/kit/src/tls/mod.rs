//! TLS: certificates from files, reloaded without a restart; server and client settings with an explicit provider.
//!
//! TLS 1.3 alone is spoken, with HTTP/2. Who a peer is, is judged by its certificate where a request is handled; the
//! verifiers here say only what must hold for a connection to stand.

mod files;
mod peers;
mod pin;

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::{ResolvesClientCert, WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
    server::{ClientHello, ResolvesServerCert, danger::ClientCertVerifier},
};
use rustls_pki_types::CertificateDer;

use crate::settings::SecretRefError;

pub use self::{
    files::{CertificateFiles, Reloading, certified_key, read_certificates},
    peers::AnyClientCertificate,
    pin::{PinnedCa, spki_sha256},
};

/// What a node of a cluster offers beside HTTP/2 (ALPN, RFC 7301), so that the broker shows it the certificate of its own
/// authority, the one that nodes pin, also where everyone else sees another. It is never chosen.
pub const NODE_PROTOCOL: &[u8] = b"keyward-node/1";

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Not a certificate, or none at all.
    #[error("`{0}` holds no usable certificate in PEM: {1}")]
    Certificate(PathBuf, String),
    /// Not a key, or one that does not fit the certificate.
    #[error("`{0}` holds no usable private key in PEM: {1}")]
    Key(PathBuf, String),
    /// The key cannot be read, or others could read it.
    #[error("private key {0}")]
    KeyFile(#[from] SecretRefError),
    /// The library refused.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The one provider of cryptography for TLS.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Makes ours the provider of the whole process, first thing in main: some SDKs link another one, and rustls would not
/// know which to take.
pub fn install_provider() {
    // An error says that one is installed already: this function was called twice, and it is ours.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What a server speaks.
///
/// # Errors
/// [`TlsError::Tls`] if the library refuses.
pub fn server_config(
    identity: Arc<dyn ResolvesServerCert>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(identity);
    config.alpn_protocols = vec![b"h2".to_vec()];
    // Tickets carry the client's certificate; a peer is looked at anew on every connection instead.
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// What a client speaks to a server whose certificate comes from one of `roots`.
///
/// # Errors
/// [`TlsError::Tls`] if there is no usable root.
pub fn client_config(
    roots: &[CertificateDer<'_>],
    identity: Option<Arc<dyn ResolvesClientCert>>,
) -> Result<ClientConfig, TlsError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone().into_owned())?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider())
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    client_config_with(verifier, identity)
}

/// What a client speaks to a server that `verifier` accepts.
///
/// # Errors
/// [`TlsError::Tls`] if the library refuses.
pub fn client_config_with(
    verifier: Arc<dyn ServerCertVerifier>,
    identity: Option<Arc<dyn ResolvesClientCert>>,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous() // named so by rustls: the verifiers handed in here are webpki's own and `PinnedCa`
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(identity),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// The same settings for a node of a cluster: see [`NODE_PROTOCOL`].
#[must_use]
pub fn as_node(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols.insert(0, NODE_PROTOCOL.to_vec());
    config
}

/// Whether it is a node that says hello.
#[must_use]
pub fn is_node(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut offered| offered.any(|protocol| protocol == NODE_PROTOCOL))
}

#[cfg(test)]
mod tests;
