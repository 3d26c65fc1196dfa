//! gRPC: a channel as our own command line makes it, over TLS with a client certificate or over a unix socket.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use keyward_kit::tls::{certified_key, client_config};
use keyward_sdk::secret::Secret;
use rustls::sign::SingleCertAndKey;
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint, Uri},
};

use super::Result;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(20);

/// A channel that sends a token, if there is one.
pub(crate) type Line = InterceptedService<Channel, Bearer>;

/// Where a server is.
#[derive(Clone)]
pub(crate) enum Place {
    /// There, over TLS.
    Tls(SocketAddr, Arc<rustls::ClientConfig>),
    /// On this machine.
    Socket(PathBuf),
}

/// A key and a certificate that says nothing: what tokens are bound to.
#[derive(Clone)]
pub(crate) struct Credentials {
    certificate: CertificateDer<'static>,
    key: String,
}

impl Credentials {
    /// New ones.
    pub(crate) fn make() -> Self {
        let pair = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let certificate = params.self_signed(&pair).expect("a certificate").der().clone();
        Self { certificate, key: pair.serialize_pem() }
    }

    /// A server at `address` whose certificate comes from `ca` (PEM), and to which these are shown.
    pub(crate) fn at(&self, address: SocketAddr, ca: &str) -> Place {
        let key = Secret::copy_of(self.key.as_bytes()).expect("a key is short");
        let own = certified_key(vec![self.certificate.clone()], &key, "a key made here".as_ref()).expect("they fit");
        let identity = Arc::new(SingleCertAndKey::from((*own).clone()));
        let ca = CertificateDer::from_pem_slice(ca.as_bytes()).expect("the authority is in PEM");
        Place::Tls(address, Arc::new(client_config(&[ca], Some(identity)).expect("TLS can be set up")))
    }
}

/// Opens a connection.
pub(crate) async fn channel(place: &Place, token: Option<&str>) -> Result<Line> {
    let endpoint = Endpoint::from_static("http://localhost").connect_timeout(CONNECT).tcp_nodelay(true);
    let channel = match place {
        Place::Tls(address, config) => {
            let (address, tls) = (*address, TlsConnector::from(Arc::clone(config)));
            let connector = tower::service_fn(move |_: Uri| {
                let tls = tls.clone();
                async move {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    tls.connect(ServerName::IpAddress(address.ip().into()), stream).await.map(TokioIo::new)
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
    };
    let channel = channel.map_err(|error| format!("cannot connect: {error:?}"))?;
    let token = token.map(|token| MetadataValue::try_from(format!("Bearer {token}")).expect("a token is ASCII"));
    Ok(InterceptedService::new(channel, Bearer(token)))
}

/// What every call carries.
#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> std::result::Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}
