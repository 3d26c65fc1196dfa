//! Callers: a connection with or without a key, a token, a tenant.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use keyward_api::v1::{
    auth_service_client::AuthServiceClient, cluster_service_client::ClusterServiceClient,
    issuer_service_client::IssuerServiceClient, policy_service_client::PolicyServiceClient,
    role_service_client::RoleServiceClient, seal_service_client::SealServiceClient,
    secret_service_client::SecretServiceClient, tenant_service_client::TenantServiceClient,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic::{
    Request, Status,
    metadata::MetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint, Uri},
};

use super::canary::Watched;

/// A channel that sends what its caller is.
pub type Client = InterceptedService<Watched<Channel>, Headers>;

/// A key and a certificate that says nothing: what tokens are bound to.
#[derive(Clone, Debug)]
pub struct Key {
    /// PEM.
    pub certificate: String,
    /// PEM.
    pub key: String,
}

impl Key {
    /// A new one.
    pub fn make() -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        Self { certificate: params.self_signed(&pair).unwrap().pem(), key: pair.serialize_pem() }
    }
}

#[derive(Clone, Debug)]
enum Place {
    Tls(SocketAddr, String),
    Socket(PathBuf),
}

/// One who calls the broker.
#[derive(Clone)]
pub struct Caller {
    place: Place,
    key: Option<Key>,
    headers: Headers,
    channel: Option<Channel>,
}

impl Caller {
    pub(super) fn over_tls(addr: SocketAddr, ca: String) -> Self {
        Self { place: Place::Tls(addr, ca), key: None, headers: Headers::default(), channel: None }
    }

    pub(super) fn over_socket(path: PathBuf) -> Self {
        Self { place: Place::Socket(path), key: None, headers: Headers::default(), channel: None }
    }

    /// Shows a certificate and proves its key.
    pub fn key(mut self, key: &Key) -> Self {
        self.key = Some(key.clone());
        self
    }

    /// Sends a token; also on a caller that is connected.
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Names a tenant.
    pub fn tenant(self, name: &str) -> Self {
        self.header("keyward-tenant", name)
    }

    /// Asks under a request id.
    pub fn request_id(self, id: &str) -> Self {
        self.header("keyward-request-id", id)
    }

    /// Sends any header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.0.retain(|(known, _)| *known != name);
        self.headers.0.push((name, value.to_owned()));
        self
    }

    /// Opens the connection.
    pub async fn connect(mut self) -> Self {
        self.channel =
            Some(self.channel().await.unwrap_or_else(|error| panic!("{:?} is reached: {error:?}", self.place)));
        self
    }

    /// Opens it, or says why not.
    pub async fn channel(&self) -> Result<Channel, tonic::transport::Error> {
        let endpoint =
            Endpoint::from_static("http://keyward").connect_timeout(Duration::from_secs(20)).tcp_nodelay(true);
        match &self.place {
            Place::Tls(addr, ca) => {
                let (addr, config) = (*addr, Arc::new(tls(ca, self.key.as_ref())));
                let connector = tower::service_fn(move |_: Uri| {
                    let connector = TlsConnector::from(config.clone());
                    async move {
                        let stream = TcpStream::connect(addr).await?;
                        stream.set_nodelay(true)?;
                        connector.connect(ServerName::IpAddress(addr.ip().into()), stream).await.map(TokioIo::new)
                    }
                });
                endpoint.connect_with_connector(connector).await
            }
            Place::Socket(path) => {
                let path = path.clone();
                let connector = tower::service_fn(move |_: Uri| {
                    let path = path.clone();
                    async move { UnixStream::connect(path).await.map(TokioIo::new) }
                });
                endpoint.connect_with_connector(connector).await
            }
        }
    }

    /// What generated clients are made of.
    pub fn client(&self) -> Client {
        let channel = Watched(self.channel.clone().expect("the caller is connected"));
        InterceptedService::new(channel, self.headers.clone())
    }

    /// `AuthService`.
    pub fn auth(&self) -> AuthServiceClient<Client> {
        AuthServiceClient::new(self.client())
    }

    /// `ClusterService`.
    pub fn clusters(&self) -> ClusterServiceClient<Client> {
        ClusterServiceClient::new(self.client())
    }

    /// `IssuerService`.
    pub fn issuers(&self) -> IssuerServiceClient<Client> {
        IssuerServiceClient::new(self.client())
    }

    /// `PolicyService`.
    pub fn policies(&self) -> PolicyServiceClient<Client> {
        PolicyServiceClient::new(self.client())
    }

    /// `RoleService`.
    pub fn roles(&self) -> RoleServiceClient<Client> {
        RoleServiceClient::new(self.client())
    }

    /// `SealService`.
    pub fn seal(&self) -> SealServiceClient<Client> {
        SealServiceClient::new(self.client())
    }

    /// `SecretService`, for values of any size that the broker takes.
    pub fn secrets(&self) -> SecretServiceClient<Client> {
        SecretServiceClient::new(self.client()).max_decoding_message_size(16 << 20).max_encoding_message_size(16 << 20)
    }

    /// `TenantService`.
    pub fn tenants(&self) -> TenantServiceClient<Client> {
        TenantServiceClient::new(self.client())
    }
}

/// The TLS settings of a caller.
pub fn tls(ca: &str, key: Option<&Key>) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let builder = rustls::ClientConfig::builder_with_provider(keyward_kit::tls::provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let mut config = match key {
        None => builder.with_no_client_auth(),
        Some(key) => {
            let chain =
                CertificateDer::pem_slice_iter(key.certificate.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.key.as_bytes()).unwrap()).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// What every call carries.
#[derive(Clone, Default)]
pub struct Headers(Vec<(&'static str, String)>);

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for (name, value) in &self.0 {
            request.metadata_mut().insert(*name, MetadataValue::try_from(value).unwrap());
        }
        Ok(request)
    }
}
