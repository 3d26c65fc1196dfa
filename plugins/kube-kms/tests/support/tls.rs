//! A CA, a listener with TLS.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use keyward_kit::tls::{AnyClientCertificate, certified_key, server_config};
use keyward_sdk::secret::Secret;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tonic::transport::server::Connected;

pub(crate) struct Ca {
    pub(crate) der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { der, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn server(&self) -> Arc<CertifiedKey> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let pem = Secret::new(key.serialize_pem().into_bytes()).unwrap();
        certified_key(vec![leaf, self.der.clone()], &pem, "test".as_ref()).unwrap()
    }

    /// Signs the key of a request, good for `seconds` around now.
    pub(crate) fn sign(&self, csr: &[u8], seconds: (i64, i64)) -> Vec<u8> {
        let mut request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr)).unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
        let time = |at: i64| rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs((now + at) as u64);
        (request.params.not_before, request.params.not_after) = (time(seconds.0), time(seconds.1));
        request.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// The certificate that a client showed.
#[derive(Clone)]
pub(crate) struct Shown(pub(crate) Option<CertificateDer<'static>>);

pub(crate) struct Tls(TlsStream<TcpStream>);

impl Connected for Tls {
    type ConnectInfo = Shown;
    fn connect_info(&self) -> Shown {
        Shown(
            self.0
                .get_ref()
                .1
                .peer_certificates()
                .and_then(|chain| chain.first())
                .map(|leaf| leaf.clone().into_owned()),
        )
    }
}

impl AsyncRead for Tls {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tls {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Accepts on `listener` with TLS and hands connections over.
pub(crate) async fn accept(listener: TcpListener, identity: Arc<CertifiedKey>, to: mpsc::Sender<io::Result<Tls>>) {
    let config = server_config(Arc::new(Always(identity)), AnyClientCertificate::new()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((stream, _)) = listener.accept().await {
        // One after the other: a test has few connections, and a refused handshake ends at once.
        if let Ok(stream) = acceptor.accept(stream).await
            && to.send(Ok(Tls(stream))).await.is_err()
        {
            return;
        }
    }
}
