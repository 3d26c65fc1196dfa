//! The register of audit logs, in sealed storage.

use std::sync::Arc;

use async_trait::async_trait;
use keyward_kit::audit::Head;
use keyward_sdk::{
    crypto::asymmetric::{KeyKind, generate},
    secret::Secret,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{
    audit::{Register, RegisterError, RegisteredLog},
    keyring::{Changes, DataPath, Vault},
    method::TenantId,
};

const LOGS: &str = "audit/log/";
const KEYS: &str = "audit/key/";
const ACCEPTED: &str = "audit/accepted";
/// The most logs that are looked at: one an epoch of a replica.
const MOST: usize = 1_000;

#[derive(Serialize, Deserialize)]
struct Log {
    origin: String,
    verifier: String,
    first: Option<String>,
    last: Option<String>,
    given_up: bool,
}

#[derive(Serialize, Deserialize)]
struct SigningKey(#[serde(with = "keyward_sdk::secret::serde_exposed")] Secret);

/// See the module.
pub(super) struct SealedRegister(pub(super) Arc<Vault>);

fn failed(error: impl std::fmt::Display) -> RegisterError {
    RegisterError(error.to_string())
}

#[async_trait]
impl Register for SealedRegister {
    async fn list(&self) -> Result<Vec<RegisteredLog>, RegisterError> {
        let logs = self.0.values::<Log>(TenantId::SYSTEM, LOGS, None, MOST).await.map_err(failed)?;
        let log = |(_, log): (_, Log)| RegisteredLog {
            origin: log.origin,
            verifier: log.verifier,
            first: log.first,
            last: log.last,
            given_up: log.given_up,
        };
        Ok(logs.into_iter().map(log).collect())
    }

    async fn store(&self, log: &RegisteredLog) -> Result<(), RegisterError> {
        let place = DataPath::new(TenantId::SYSTEM, &format!("{LOGS}{}", log.origin)).map_err(failed)?;
        let RegisteredLog { origin, verifier, first, last, given_up } = log.clone();
        let mut changes = Changes::new();
        changes.put_data(place, &Log { origin, verifier, first, last, given_up }).map_err(failed)?;
        self.0.commit(changes).await.map_err(failed)?;
        Ok(())
    }

    async fn signing_key(&self, origin: &str) -> Result<Secret, RegisterError> {
        let place = DataPath::new(TenantId::SYSTEM, &format!("{KEYS}{origin}")).map_err(failed)?;
        if let Some((SigningKey(key), _)) = self.0.read::<SigningKey>(&place).await.map_err(failed)? {
            return Ok(key);
        }
        let key = generate(KeyKind::Ed25519).map_err(failed)?;
        let mut changes = Changes::new();
        changes.put_data(place, &SigningKey(Secret::copy_of(key.expose()).map_err(failed)?)).map_err(failed)?;
        self.0.commit(changes).await.map_err(failed)?;
        Ok(key)
    }

    async fn accepted(&self) -> Result<Option<Timestamp>, RegisterError> {
        let place = DataPath::new(TenantId::SYSTEM, ACCEPTED).map_err(failed)?;
        Ok(self.0.read::<Timestamp>(&place).await.map_err(failed)?.map(|(at, _)| at))
    }

    async fn accept(&self, at: Timestamp) -> Result<(), RegisterError> {
        let mut changes = Changes::new();
        changes.put_data(DataPath::new(TenantId::SYSTEM, ACCEPTED).map_err(failed)?, &at).map_err(failed)?;
        self.0.commit(changes).await.map_err(failed)?;
        Ok(())
    }

    fn heads(&self) -> Vec<Head> {
        let heads = self.0.heads().unwrap_or_default();
        heads
            .into_iter()
            .map(|head| Head { tenant: head.tenant.0, counter: head.counter, digest: head.digest })
            .collect()
    }
}
