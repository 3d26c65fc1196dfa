//! The certificates that the API is served with, and the authorities that its clients' come from.
//!
//! Nodes of clusters are always shown the certificate of the broker's own authority: they pinned that authority when they
//! joined, and no change of the configured certificate may shut them out. All others see the configured one, where there
//! is one.

mod authorities;
mod own;

use std::{sync::Arc, time::Duration};

use keyward_kit::tls::{AnyClientCertificate, Reloading, TlsError, is_node, server_config};
use keyward_sdk::time::SharedClock;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_util::sync::CancellationToken;

pub(super) use self::authorities::AuthoritiesFile;
use self::own::OwnCertificate;
use super::BuildError;
use crate::{
    config::{Config, StorageConfig},
    engine::certificate::ServeCertificate,
};

/// How often files are looked at.
const FILES_CHECKED: Duration = Duration::from_secs(5);

/// What the API is served with.
#[derive(Clone, Debug)]
pub(super) struct Served {
    own: Arc<OwnCertificate>,
    /// Files of the settings, reloaded when they change.
    configured: Option<Arc<Reloading>>,
}

impl Served {
    /// As the settings say.
    pub(super) fn load(config: &Config, clock: &SharedClock) -> Result<Self, BuildError> {
        let kept = match &config.storage {
            StorageConfig::Embedded(path) => path.parent().map(|folder| folder.join("server.pem")),
            StorageConfig::Memory => None,
        };
        let own = Arc::new(OwnCertificate::load(kept, &config.names, clock)?);
        let configured = config.certificate.clone().map(Reloading::load).transpose()?;
        Ok(Self { own, configured })
    }

    /// Where the certificate of the broker's own authority is served from.
    pub(super) fn own(&self) -> Arc<dyn ServeCertificate> {
        self.own.clone()
    }

    /// Follows the files, if there are any.
    pub(super) async fn follow(self, stop: CancellationToken) {
        match self.configured {
            Some(files) => files.watch(FILES_CHECKED, stop).await,
            None => stop.cancelled().await,
        }
    }

    pub(super) fn config(&self) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        Ok(Arc::new(server_config(Arc::new(self.clone()), AnyClientCertificate::new())?))
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match &self.configured {
            Some(files) if !is_node(&hello) => Some(files.current()),
            _ => Some(self.own.current()),
        }
    }
}
