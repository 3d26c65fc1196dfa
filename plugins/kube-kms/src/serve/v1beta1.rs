//! KMS v1beta1. It has no key_id, so the ciphertext carries it: length (one byte), key_id, ciphertext as of v2.

use std::{sync::Arc, time::Instant};

use bytes::{BufMut as _, BytesMut};
use keyward_api::kubernetes::v1beta1::{
    DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, VersionRequest, VersionResponse,
    key_management_service_server::KeyManagementService,
};
use tonic::{Request, Response, Status};

use super::{Provider, v2};
use crate::ops::Call;

pub(super) struct V1(pub(super) Arc<Provider>);

const VERSION: &str = "v1beta1";

fn split(cipher: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = cipher.split_first()?;
    let (key_id, ciphertext) = rest.split_at_checked(usize::from(*len))?;
    Some((std::str::from_utf8(key_id).ok()?, ciphertext))
}

impl V1 {
    async fn seal(&self, seed: &[u8]) -> Result<EncryptResponse, Status> {
        let served = self.0.ready()?;
        self.0.writes()?;
        let entry = served.primary();
        let ciphertext = v2::seal(&self.0, &served, entry, seed).await?;
        let mut cipher = BytesMut::with_capacity(1 + entry.key_id.len() + ciphertext.len());
        cipher.put_u8(entry.key_id.len() as u8); // a key_id has at most 80 bytes
        cipher.put_slice(entry.key_id.as_bytes());
        cipher.put_slice(&ciphertext);
        Ok(EncryptResponse { cipher: cipher.freeze() })
    }

    async fn open(&self, cipher: &[u8]) -> Result<DecryptResponse, Status> {
        let served = self.0.ready()?;
        let (key_id, ciphertext) =
            split(cipher).ok_or_else(|| Status::invalid_argument("ciphertext is not one of Keyward's of KMS v1"))?;
        let entry = v2::find(&self.0, &served, key_id)?;
        let seed = v2::open(&self.0, &served, entry, ciphertext).await?;
        Ok(DecryptResponse { plain: seed.expose().to_vec().into() })
    }
}

#[tonic::async_trait]
impl KeyManagementService for V1 {
    async fn version(&self, _: Request<VersionRequest>) -> Result<Response<VersionResponse>, Status> {
        Ok(Response::new(VersionResponse {
            version: VERSION.to_owned(),
            runtime_name: "keyward-kube-kms".to_owned(),
            runtime_version: crate::VERSION.to_owned(),
        }))
    }

    async fn encrypt(&self, request: Request<EncryptRequest>) -> Result<Response<EncryptResponse>, Status> {
        let start = Instant::now();
        let answer = self.seal(&request.get_ref().plain).await;
        self.0.metrics().count(Call::EncryptV1, start, &answer);
        answer.map(Response::new)
    }

    async fn decrypt(&self, request: Request<DecryptRequest>) -> Result<Response<DecryptResponse>, Status> {
        let start = Instant::now();
        let answer = self.open(&request.get_ref().cipher).await;
        self.0.metrics().count(Call::DecryptV1, start, &answer);
        answer.map(Response::new)
    }
}
