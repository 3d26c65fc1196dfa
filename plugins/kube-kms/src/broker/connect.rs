//! Connections to the broker: TCP, TLS with our own settings, HTTP/2.

use std::{io, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

use super::BrokerError;

const CONNECT: Duration = Duration::from_secs(5);

/// A channel to `host:port` that connects when it is first used, and again after a break.
pub(super) fn channel(at: &str, tls: Arc<ClientConfig>) -> Result<Channel, BrokerError> {
    let unusable = |why: String| BrokerError::Unreachable(format!("endpoint `{at}` is not `host:port`: {why}"));
    let uri: http::Uri =
        format!("http://{at}").parse().map_err(|error: http::uri::InvalidUri| unusable(error.to_string()))?;
    let host = uri.host().ok_or_else(|| unusable("no host".to_owned()))?.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host.clone()).map_err(|error| unusable(error.to_string()))?;
    let port = uri.port_u16().ok_or_else(|| unusable("no port".to_owned()))?;
    let connector = tower::service_fn(move |_: http::Uri| {
        let (tls, host, name) = (TlsConnector::from(Arc::clone(&tls)), host.clone(), name.clone());
        async move {
            let stream = TcpStream::connect((host.as_str(), port)).await?;
            stream.set_nodelay(true)?; // or a small answer waits 40 ms for its acknowledgement
            Ok::<_, io::Error>(TokioIo::new(tls.connect(name, stream).await?))
        }
    });
    let endpoint = Endpoint::from(uri)
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true);
    Ok(endpoint.connect_with_connector_lazy(connector))
}
