//! From options, environment, context and session to a channel.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hyper_util::rt::TokioIo;
use keyward_kit::tls;
use keyward_sdk::{crypto::random, secret::SecretString};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tokio::net::{TcpStream, UnixStream};
use tonic::{
    Request, Status,
    metadata::MetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint, Uri},
};

use super::{
    CliError, Global,
    context::{Context, Contexts},
    identity::Ephemeral,
    output::{Output, note},
    session::{MAIN, Place, Session},
};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a call may take.
const CALL: Duration = Duration::from_secs(30);
/// Where the broker is when nothing is said.
const DEFAULT: &str = "https://127.0.0.1:7443";

/// A channel that sends token, tenant and request id.
pub(super) type Client = InterceptedService<Channel, Headers>;

/// Where the broker is and as whom it is called.
pub(super) struct Target {
    /// The address.
    pub addr: String,
    ca_cert: Option<PathBuf>,
    tenant: Option<String>,
    token: Option<SecretString>,
    certificate: Option<(String, SecretString)>,
}

impl Target {
    /// Options come before the environment, the environment before the context, the context before what is built in.
    ///
    /// # Errors
    /// When a file that was named cannot be read.
    pub(super) fn resolve(global: &Global) -> Result<Self, CliError> {
        let context = context(global)?;
        let addr = global
            .addr
            .clone()
            .or_else(|| context.as_ref().map(|c| c.addr.clone()))
            .unwrap_or_else(|| DEFAULT.to_owned());
        let ca_cert = global.ca_cert.clone().or_else(|| context.as_ref().and_then(|c| c.ca_cert.clone()));
        // A variable that is set to nothing says nothing.
        let named = global.tenant.clone().filter(|tenant| !tenant.is_empty());
        let tenant = named.or_else(|| context.and_then(|c| c.tenant));
        let (mut token, mut certificate) = (given_token(global)?, given_certificate(global)?);
        let place = Place { addr: &addr, tenant: tenant.as_deref() };
        if token.is_none() && certificate.is_none() {
            match Session::load(place) {
                Ok(None) => {}
                Ok(Some(session)) => {
                    token = Some(session.token);
                    certificate = Some((session.certificate, session.key));
                }
                // Much needs none, logging in again among it; what does is refused by the broker.
                Err(error) => note(&format!("Session not used: {error}")),
            }
        }
        Ok(Self { addr, ca_cert, tenant, token, certificate })
    }

    /// The same broker, called without a token and with a key of its own: for a login.
    #[must_use]
    pub(super) fn anonymous(&self, ephemeral: Ephemeral) -> Self {
        self.called_with(None, ephemeral.certificate, ephemeral.key)
    }

    /// The same, with the tenant named in each call, also where it is the one that counts when none is.
    #[must_use]
    pub(super) fn named(self) -> Self {
        let tenant = self.tenant.unwrap_or_else(|| MAIN.to_owned());
        Self { tenant: Some(tenant), ..self }
    }

    /// The same broker, called with what a login left.
    #[must_use]
    pub(super) fn within(&self, session: Session) -> Self {
        self.called_with(Some(session.token), session.certificate, session.key)
    }

    fn called_with(&self, token: Option<SecretString>, certificate: String, key: SecretString) -> Self {
        let (addr, ca_cert, tenant) = (self.addr.clone(), self.ca_cert.clone(), self.tenant.clone());
        Self { addr, ca_cert, tenant, token, certificate: Some((certificate, key)) }
    }

    /// The token that calls are made with.
    #[must_use]
    pub(super) fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    /// The same, called with this token.
    #[must_use]
    pub(super) fn with_token(self, token: SecretString) -> Self {
        Self { token: Some(token), ..self }
    }

    /// The certificate that is shown, and its key.
    #[must_use]
    pub(super) fn certificate(&self) -> Option<(&str, &SecretString)> {
        self.certificate.as_ref().map(|(certificate, key)| (certificate.as_str(), key))
    }

    /// The certificate of the broker's authority.
    #[must_use]
    pub(super) fn ca_cert(&self) -> Option<&Path> {
        self.ca_cert.as_deref()
    }

    /// The tenant, if one was named.
    #[must_use]
    pub(super) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Tells who logged in elsewhere than in `main` that the session is for that tenant alone.
    pub(super) fn say_whose(&self, output: &Output) {
        if self.token.is_some() && std::env::var_os("KEYWARD_TOKEN").is_some_and(|token| !token.is_empty()) {
            output.note("KEYWARD_TOKEN is set and comes before the session: unset it to act with this login.");
        }
        if let Some(tenant) = self.tenant().filter(|tenant| *tenant != MAIN) {
            output.note(&format!(
                "The session is kept for the tenant `{tenant}`: name it with `--tenant`, KEYWARD_TENANT or a context."
            ));
        }
    }

    /// What a session here is kept for.
    #[must_use]
    pub(super) fn place(&self) -> Place<'_> {
        Place { addr: &self.addr, tenant: self.tenant() }
    }

    /// Whether this is the broker's socket on this machine, which knows the user by itself.
    #[must_use]
    pub(super) fn is_socket(&self) -> bool {
        self.addr.starts_with("unix://")
    }

    /// Connects.
    ///
    /// # Errors
    /// [`CliError::Unreachable`] with where and why.
    pub(super) async fn connect(&self) -> Result<Client, CliError> {
        let unreachable = |why: String| CliError::Unreachable { addr: self.addr.clone(), why };
        let endpoint = Endpoint::from_static("http://keyward").connect_timeout(CONNECT).timeout(CALL).tcp_nodelay(true);
        let channel = if let Some(path) = self.addr.strip_prefix("unix://") {
            let path = PathBuf::from(path);
            let connector = tower::service_fn(move |_: Uri| {
                let path = path.clone();
                async move { UnixStream::connect(path).await.map(TokioIo::new) }
            });
            endpoint.connect_with_connector(connector).await
        } else {
            let (host, port) = self.host_and_port()?;
            let config = Arc::new(self.tls()?);
            let name = ServerName::try_from(host.clone())
                .map_err(|_| CliError::usage(format!("`{host}` is not a host name")))?;
            let connector = tower::service_fn(move |_: Uri| {
                let (host, config, name) = (host.clone(), config.clone(), name.clone());
                async move {
                    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
                    stream.set_nodelay(true)?;
                    tokio_rustls::TlsConnector::from(config).connect(name, stream).await.map(TokioIo::new)
                }
            });
            endpoint.connect_with_connector(connector).await
        };
        let channel = channel.map_err(|error| unreachable(innermost(&error)))?;
        Ok(InterceptedService::new(channel, self.headers()?))
    }

    fn headers(&self) -> Result<Headers, CliError> {
        let token = match &self.token {
            Some(token) => {
                let value = MetadataValue::try_from(format!("Bearer {}", token.expose()));
                let mut value = value.map_err(|_| CliError::usage("the token has characters that no token has"))?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        let tenant = self.tenant.as_deref().map(MetadataValue::try_from).transpose();
        Ok(Headers {
            token,
            tenant: tenant.map_err(|_| CliError::usage("the tenant's name has characters that no name has"))?,
        })
    }

    fn host_and_port(&self) -> Result<(String, u16), CliError> {
        let wrong =
            || CliError::usage(format!("`{}` is not an address such as https://host:7443 or unix:///path", self.addr));
        let uri: Uri = self.addr.parse().map_err(|_| wrong())?;
        match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(host)) => Ok((host.to_owned(), uri.port_u16().unwrap_or(7443))),
            _ => Err(wrong()),
        }
    }

    fn tls(&self) -> Result<rustls::ClientConfig, CliError> {
        let mut roots = rustls::RootCertStore::empty();
        if let Some(file) = &self.ca_cert {
            let fail = |error: String| CliError::other(format!("reading {}", file.display()), error);
            for certificate in CertificateDer::pem_file_iter(file).map_err(|e| fail(e.to_string()))? {
                roots.add(certificate.map_err(|e| fail(e.to_string()))?).map_err(|e| fail(e.to_string()))?;
            }
        } else {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
        let builder = rustls::ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| CliError::other("setting up TLS", e))?
            .with_root_certificates(roots);
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let fail = |error: &dyn std::fmt::Display| CliError::other("reading the client certificate", error);
                let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
                let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|e| fail(&e))?;
                builder.with_client_auth_cert(chain.map_err(|e| fail(&e))?, key).map_err(|e| fail(&e))?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

/// The context that is named, or in use.
pub(super) fn context(global: &Global) -> Result<Option<Context>, CliError> {
    let contexts = Contexts::load()?;
    match global.context.as_ref().or(contexts.current.as_ref()) {
        None => Ok(None),
        Some(name) => match contexts.contexts.get(name) {
            Some(context) => Ok(Some(context.clone())),
            None => Err(CliError::usage(format!("there is no context `{name}`; `keyward context list` shows them"))),
        },
    }
}

fn given_token(global: &Global) -> Result<Option<SecretString>, CliError> {
    let text = match &global.token_file {
        Some(file) => {
            Some(std::fs::read_to_string(file).map_err(|e| CliError::other(format!("reading {}", file.display()), e))?)
        }
        None => std::env::var_os("KEYWARD_TOKEN").and_then(|token| token.into_string().ok()),
    };
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    text.map(|text| SecretString::new(text).map_err(|e| CliError::other("reading the token", e))).transpose()
}

fn given_certificate(global: &Global) -> Result<Option<(String, SecretString)>, CliError> {
    let (Some(certificate), Some(key)) = (&global.client_cert, &global.client_key) else { return Ok(None) };
    let read = |file: &PathBuf| {
        std::fs::read_to_string(file).map_err(|e| CliError::other(format!("reading {}", file.display()), e))
    };
    let key = SecretString::new(read(key)?).map_err(|e| CliError::other("reading the client key", e))?;
    Ok(Some((read(certificate)?, key)))
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(inner) = at.source() {
        at = inner;
    }
    at.to_string()
}

/// What every call carries.
#[derive(Clone)]
pub(super) struct Headers {
    token: Option<MetadataValue<tonic::metadata::Ascii>>,
    tenant: Option<MetadataValue<tonic::metadata::Ascii>>,
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        if let Some(token) = &self.token {
            metadata.insert("authorization", token.clone());
        }
        if let Some(tenant) = &self.tenant {
            metadata.insert("keyward-tenant", tenant.clone());
        }
        if !metadata.contains_key("keyward-request-id") {
            let id = data_encoding::HEXLOWER.encode(&random::array::<16>());
            if let Ok(id) = MetadataValue::try_from(id) {
                metadata.insert("keyward-request-id", id);
            }
        }
        Ok(request)
    }
}
