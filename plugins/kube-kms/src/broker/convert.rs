//! Generated messages to our types and back. Generated types stop here.

use std::{sync::Arc, time::Duration};

use keyward_api::v1;
use keyward_kit::cluster::{ClusterId, ClusterKeyId, SeedPlace};
use keyward_sdk::{secret::Key32, time::Timestamp};
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::{BrokerError, LogCheckpoint};
use crate::{
    keyset::{ClusterKey, Keyset, Limits, Mode, Version, VersionState},
    node::{Facts, NodeCertificate, NodeKey},
};

/// The default of `offline_max`.
const OFFLINE_MAX: Duration = Duration::from_secs(30 * 86_400);
const MAX_LIST: usize = 16;

fn malformed(what: &str) -> BrokerError {
    BrokerError::Malformed(format!("{what} is missing or means nothing"))
}

fn id(bytes: &[u8], what: &str) -> Result<[u8; 16], BrokerError> {
    bytes.try_into().map_err(|_| malformed(what))
}

fn duration(from: Option<prost_types::Duration>) -> Result<Option<Duration>, BrokerError> {
    from.map(|duration| duration.try_into().map_err(|_| malformed("a duration"))).transpose()
}

fn limits(from: Option<v1::Allowance>) -> Result<Limits, BrokerError> {
    let from = from.unwrap_or_default();
    let offline_max = match (from.offline_unlimited, duration(from.offline_max)?) {
        (true, _) => None,
        (false, limit) => Some(limit.unwrap_or(OFFLINE_MAX)),
    };
    let writes = duration(from.offline_writes_max)?.or(offline_max);
    let offline_writes_max = match (offline_max, writes) {
        (Some(all), Some(writes)) => Some(writes.min(all)),
        (all, writes) => writes.or(all),
    };
    Ok(Limits { offline_max, offline_writes_max })
}

/// A checkpoint, not looked at yet.
pub(super) fn checkpoint(from: v1::LogCheckpoint) -> LogCheckpoint {
    LogCheckpoint { note: from.note, verifier: from.verifier, from: from.from, growth: from.growth }
}

/// The beginning of a text, of at most so many bytes.
pub(super) fn cut(text: &str, most: usize) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    let mut left = most;
    plain.take_while(|c| left.checked_sub(c.len_utf8()).map(|rest| left = rest).is_some()).collect()
}

fn version(from: v1::KeysetVersion) -> Result<Arc<Version>, BrokerError> {
    let state = match from.state() {
        v1::ClusterKeyState::Enabled => VersionState::Enabled,
        v1::ClusterKeyState::DecryptOnly => VersionState::DecryptOnly,
        v1::ClusterKeyState::Disabled => VersionState::Disabled,
        v1::ClusterKeyState::Unspecified => return Err(malformed("the state of a version")),
    };
    let material = match from.material.len() {
        0 => None,
        _ => Some(Key32::from_slice(&from.material).map_err(|_| malformed("the key of a version"))?),
    };
    let random = from.random.as_ref().try_into().map_err(|_| malformed("the random part of a version"))?;
    Ok(Arc::new(Version { version: from.version, random, state, material: material.map(ClusterKey::new) }))
}

/// A keyset, checked.
pub(super) fn keyset(from: v1::Keyset, tenant: [u8; 16]) -> Result<Keyset, BrokerError> {
    let mode = match from.mode() {
        v1::ClusterMode::Local => Mode::Local,
        v1::ClusterMode::Remote => Mode::Remote,
        v1::ClusterMode::Unspecified => return Err(malformed("the cluster's mode")),
    };
    let next = match (from.next_primary, from.next_primary_at) {
        (0, _) => None,
        (next, Some(at)) => {
            let seconds = u64::try_from(at.seconds).map_err(|_| malformed("the time of the next primary"))?;
            Some((next, Timestamp::from_secs(seconds)))
        }
        (_, None) => return Err(malformed("the time of the next primary")),
    };
    let place = SeedPlace {
        tenant,
        cluster: ClusterId::from_bytes(id(&from.cluster_id, "the cluster's id")?),
        key: ClusterKeyId::from_bytes(id(&from.key, "the key's id")?),
    };
    let versions = from.versions.into_iter().map(version).collect::<Result<_, _>>()?;
    let limits = limits(from.allowance)?;
    let keyset = Keyset { place, generation: from.generation, mode, primary: from.primary, next, limits, versions };
    Ok(keyset.check()?)
}

/// What this node holds, with the keys, for a broker that lost them.
pub(super) fn held(keyset: &Keyset) -> v1::Keyset {
    let version = |version: &Arc<Version>| v1::KeysetVersion {
        version: version.version,
        random: version.random.to_vec().into(),
        material: version.material.as_ref().map(|key| key.expose().to_vec().into()).unwrap_or_default(),
        state: match version.state {
            VersionState::Enabled => v1::ClusterKeyState::Enabled,
            VersionState::DecryptOnly => v1::ClusterKeyState::DecryptOnly,
            VersionState::Disabled => v1::ClusterKeyState::Disabled,
        }
        .into(),
    };
    v1::Keyset {
        cluster_id: keyset.place.cluster.as_bytes().to_vec().into(),
        key: keyset.place.key.as_bytes().to_vec().into(),
        generation: keyset.generation,
        // One that is disabled came without its key, so there is nothing of it to give.
        versions: keyset.versions.iter().filter(|version| version.material.is_some()).map(version).collect(),
        primary: keyset.primary,
        ..v1::Keyset::default()
    }
}

/// What a node knows of its cluster.
pub(super) fn facts(from: Option<v1::ClusterFacts>) -> Result<Facts, BrokerError> {
    let from = from.ok_or_else(|| malformed("the cluster"))?;
    if from.endpoints.is_empty() || from.endpoints.len() > MAX_LIST || from.broker_ca.len() > MAX_LIST {
        return Err(malformed("the list of endpoints or CAs"));
    }
    Ok(Facts {
        cluster: from.name,
        cluster_id: ClusterId::from_bytes(id(&from.cluster_id, "the cluster's id")?),
        tenant_id: id(&from.tenant_id, "the tenant's id")?,
        endpoints: from.endpoints,
        broker_ca: from.broker_ca.into_iter().map(|der| CertificateDer::from(der.to_vec())).collect(),
        control_key: from.control_key.as_ref().try_into().map_err(|_| malformed("the cluster's control key"))?,
    })
}

/// A certificate for the key that it was asked for.
pub(super) fn certificate(from: Option<v1::NodeCertificate>, key: NodeKey) -> Result<NodeCertificate, BrokerError> {
    let from = from.ok_or_else(|| malformed("the certificate"))?;
    key.certified(&from.certificate, &from.node_ca, from.generation)
        .map_err(|error| BrokerError::Malformed(error.to_string()))
}

/// A gRPC status as our error.
pub(super) fn refusal(status: &tonic::Status) -> BrokerError {
    use tonic::Code;
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => {
            let mut text = status.message().to_owned();
            let mut source = std::error::Error::source(status);
            while let Some(cause) = source {
                text = cause.to_string(); // the innermost cause says most, e.g. what TLS refused
                source = cause.source();
            }
            BrokerError::Unreachable(text)
        }
        code => BrokerError::Refused { code, text: status.message().to_owned() },
    }
}

/// Takes bytes that are secret out of a message.
pub(super) fn secret(bytes: bytes::Bytes) -> Zeroizing<Vec<u8>> {
    match bytes.try_into_mut() {
        // The only owner: wiped where it was received.
        Ok(mut bytes) => {
            let copy = Zeroizing::new(bytes.to_vec());
            zeroize::Zeroize::zeroize(bytes.as_mut());
            copy
        }
        Err(shared) => Zeroizing::new(shared.to_vec()),
    }
}
