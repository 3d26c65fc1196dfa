//! KMS v2.

use std::{sync::Arc, time::Instant};

use keyward_api::kubernetes::v2::{
    DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, StatusRequest, StatusResponse,
    key_management_service_server::KeyManagementService,
};
use keyward_kit::cluster::{KeyId, MAX_CIPHERTEXT, MAX_SEED, SeedError};
use keyward_sdk::{envelope::EnvelopeError, secret::Secret};
use tonic::{Request, Response, Status};

use super::{Entry, Provider, Served, connection::Told, remote};
use crate::{
    keyset::{Mode, VersionState},
    ops::Call,
};

pub(super) struct V2(pub(super) Arc<Provider>);

pub(super) fn refused(error: SeedError) -> Status {
    match error {
        SeedError::Ciphertext(EnvelopeError::Crypto(_) | EnvelopeError::Context) => Status::internal(error.to_string()),
        _ => Status::invalid_argument(error.to_string()),
    }
}

/// The version that a key_id names, if it may decrypt.
pub(super) fn find<'s>(provider: &Provider, served: &'s Served, key_id: &str) -> Result<&'s Arc<Entry>, Status> {
    if let Some(entry) = served.find(key_id) {
        return match entry.state {
            VersionState::Enabled | VersionState::DecryptOnly => Ok(entry),
            VersionState::Disabled => Err(Status::failed_precondition(format!(
                "version {} of the cluster's key is disabled; enable it at the broker",
                entry.version
            ))),
        };
    }
    match key_id.parse::<KeyId>() {
        Err(error) => Err(Status::invalid_argument(error.to_string())),
        Ok(id) if !id.is_of(&served.keyset().place.cluster) => Err(Status::failed_precondition(
            "key_id is of another cluster; etcd may hold data of that cluster, or this node joined the wrong one",
        )),
        Ok(id) => {
            provider.mark_stale();
            Err(Status::not_found(format!(
                "version {} of the cluster's key is not here; it was destroyed, or is being fetched",
                id.version()
            )))
        }
    }
}

pub(super) async fn seal(provider: &Provider, served: &Served, entry: &Entry, seed: &[u8]) -> Result<Vec<u8>, Status> {
    if seed.is_empty() || seed.len() > MAX_SEED {
        return Err(refused(SeedError::Plaintext(seed.len())));
    }
    match (served.mode(), &entry.key) {
        (Mode::Local, Some(key)) => key.seal(seed).map_err(refused),
        (Mode::Local, None) => Err(Status::failed_precondition("version has no key here")),
        (Mode::Remote, _) => {
            let ciphertext = remote::encrypt(provider, entry, seed).await?;
            match ciphertext.len() {
                1..=MAX_CIPHERTEXT => Ok(ciphertext),
                len => {
                    Err(Status::internal(format!("broker's ciphertext has {len} bytes, which an API server refuses")))
                }
            }
        }
    }
}

pub(super) async fn open(
    provider: &Provider,
    served: &Served,
    entry: &Entry,
    ciphertext: &[u8],
) -> Result<Secret, Status> {
    if ciphertext.is_empty() || ciphertext.len() > MAX_CIPHERTEXT {
        return Err(Status::invalid_argument(format!(
            "ciphertext has {} bytes, 1 to {MAX_CIPHERTEXT} are possible",
            ciphertext.len()
        )));
    }
    match (served.mode(), &entry.key) {
        (Mode::Local, Some(key)) => key.open(ciphertext).map_err(refused),
        (Mode::Local, None) => Err(Status::failed_precondition("version has no key here")),
        (Mode::Remote, _) => remote::decrypt(provider, &entry.key_id, ciphertext).await,
    }
}

impl V2 {
    fn tell(&self, told: Option<&Told>) -> Result<StatusResponse, Status> {
        let served = self.0.ready()?;
        self.0.writes()?;
        let primary = served.primary();
        if let Some(told) = told {
            told.set(primary);
        }
        if self.0.told().load().as_ref().is_none_or(|told| !Arc::ptr_eq(told, primary)) {
            self.0.told().store(Some(Arc::clone(primary)));
        }
        Ok(StatusResponse {
            version: self.0.settings().reported_version.clone(),
            healthz: self.0.health().as_str().to_owned(),
            key_id: primary.key_id.clone(),
        })
    }

    async fn seal(&self, told: Option<&Told>, request: &EncryptRequest) -> Result<EncryptResponse, Status> {
        let served = self.0.ready()?;
        self.0.writes()?;
        // On a connection that asked no Status yet, what any was told last: after a redial, an API server still goes by
        // what the old connection heard.
        let told = told.and_then(Told::get).or_else(|| self.0.told().load_full());
        let entry = served.for_encrypt(told.as_ref());
        let ciphertext = seal(&self.0, &served, entry, &request.plaintext).await?;
        Ok(EncryptResponse {
            ciphertext: ciphertext.into(),
            key_id: entry.key_id.clone(),
            annotations: std::collections::HashMap::new(),
        })
    }

    async fn open(&self, request: &DecryptRequest) -> Result<DecryptResponse, Status> {
        let served = self.0.ready()?;
        if request.key_id.is_empty() {
            return Err(Status::invalid_argument("key_id is empty"));
        }
        if !request.annotations.is_empty() {
            return Err(Status::invalid_argument("annotations are not ours: Keyward writes none"));
        }
        let entry = find(&self.0, &served, &request.key_id)?;
        let seed = open(&self.0, &served, entry, &request.ciphertext).await?;
        Ok(DecryptResponse { plaintext: seed.expose().to_vec().into() })
    }
}

#[tonic::async_trait]
impl KeyManagementService for V2 {
    async fn status(&self, request: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let start = Instant::now();
        let answer = self.tell(request.extensions().get::<Told>());
        self.0.metrics().count(Call::Status, start, &answer);
        answer.map(Response::new)
    }

    async fn encrypt(&self, request: Request<EncryptRequest>) -> Result<Response<EncryptResponse>, Status> {
        let start = Instant::now();
        let answer = self.seal(request.extensions().get::<Told>(), request.get_ref()).await;
        self.0.metrics().count(Call::Encrypt, start, &answer);
        answer.map(Response::new)
    }

    async fn decrypt(&self, request: Request<DecryptRequest>) -> Result<Response<DecryptResponse>, Status> {
        let start = Instant::now();
        let answer = self.open(request.get_ref()).await;
        self.0.metrics().count(Call::Decrypt, start, &answer);
        answer.map(Response::new)
    }
}
