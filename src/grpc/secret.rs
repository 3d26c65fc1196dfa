//! `SecretService`.

use keyward_api::v1 as pb;
use keyward_sdk::{
    secret::Secret,
    time::{Span, Timestamp},
};
use tonic::{Request, Response, Status};

use super::{
    convert::{duration, page, parse, parse_optional, span_optional, timestamp},
    door::Door,
};
use crate::engine::{
    EngineError, Kept,
    secret::{
        DeleteSecret, DestroySecret, Destruction, GetSecret, GetSecretMetadata, ListSecrets, PutSecret, SecretNames,
        SecretRecord, SecretValue, UndeleteSecret, UpdateSecretMetadata, VersionEntry, VersionState,
    },
};

impl TryFrom<pb::PutSecretRequest> for PutSecret {
    type Error = EngineError;
    fn try_from(request: pb::PutSecretRequest) -> Result<Self, EngineError> {
        let fields = request.fields.into_iter().map(|(name, value)| {
            let value = Secret::copy_of(&value).map_err(|error| EngineError::invalid("fields", error.to_string()))?;
            Ok((name, value))
        });
        Ok(Self {
            path: parse("path", &request.path)?,
            fields: fields.collect::<Result<_, EngineError>>()?,
            expected_version: request.expected_version,
            expires_in: span_optional("expires_in", request.expires_in.as_ref())?.filter(|span| *span > Span::ZERO),
        })
    }
}

impl From<Kept<VersionEntry>> for pb::PutSecretResponse {
    fn from(Kept(version): Kept<VersionEntry>) -> Self {
        Self { version: Some(shown(&version, VersionState::Live, false)) }
    }
}

impl TryFrom<pb::GetSecretRequest> for GetSecret {
    type Error = EngineError;
    fn try_from(request: pb::GetSecretRequest) -> Result<Self, EngineError> {
        Ok(Self { path: parse("path", &request.path)?, version: (request.version > 0).then_some(request.version) })
    }
}

impl From<SecretValue> for pb::GetSecretResponse {
    fn from(value: SecretValue) -> Self {
        let version = Some(shown(&value.version, value.version.state, false));
        let fields = value.fields.into_iter().map(|(name, value)| (name, value.expose().to_vec().into())).collect();
        Self { fields, version }
    }
}

impl TryFrom<pb::ListSecretsRequest> for ListSecrets {
    type Error = EngineError;
    fn try_from(request: pb::ListSecretsRequest) -> Result<Self, EngineError> {
        Ok(Self {
            folder: parse_optional("folder", &request.folder)?,
            page: page(request.page_size, request.page_token)?,
            recursive: request.recursive,
        })
    }
}

impl From<SecretNames> for pb::ListSecretsResponse {
    fn from(listed: SecretNames) -> Self {
        Self { names: listed.names, next_page_token: listed.next }
    }
}

impl TryFrom<pb::GetSecretMetadataRequest> for GetSecretMetadata {
    type Error = EngineError;
    fn try_from(request: pb::GetSecretMetadataRequest) -> Result<Self, EngineError> {
        Ok(Self { path: parse("path", &request.path)? })
    }
}

impl TryFrom<pb::UpdateSecretMetadataRequest> for UpdateSecretMetadata {
    type Error = EngineError;
    fn try_from(request: pb::UpdateSecretMetadataRequest) -> Result<Self, EngineError> {
        Ok(Self {
            path: parse("path", &request.path)?,
            max_versions: request.max_versions,
            max_age: span_optional("max_age", request.max_age.as_ref())?,
            expires_in: span_optional("expires_in", request.expires_in.as_ref())?,
            labels: request.labels.map(|labels| labels.labels.into_iter().collect()),
        })
    }
}

impl TryFrom<pb::DeleteSecretRequest> for DeleteSecret {
    type Error = EngineError;
    fn try_from(request: pb::DeleteSecretRequest) -> Result<Self, EngineError> {
        Ok(Self { path: parse("path", &request.path)?, versions: request.versions })
    }
}

impl TryFrom<pb::UndeleteSecretRequest> for UndeleteSecret {
    type Error = EngineError;
    fn try_from(request: pb::UndeleteSecretRequest) -> Result<Self, EngineError> {
        Ok(Self { path: parse("path", &request.path)?, versions: request.versions })
    }
}

impl TryFrom<pb::DestroySecretRequest> for DestroySecret {
    type Error = EngineError;
    fn try_from(request: pb::DestroySecretRequest) -> Result<Self, EngineError> {
        if request.all && !request.versions.is_empty() {
            return Err(EngineError::invalid("versions", "name versions or say `all`, not both"));
        }
        let what = if request.all { Destruction::All } else { Destruction::Versions(request.versions) };
        Ok(Self { path: parse("path", &request.path)?, what })
    }
}

fn shown(version: &VersionEntry, state: VersionState, expired: bool) -> pb::SecretVersion {
    let state = match state {
        VersionState::Live if expired => pb::SecretVersionState::Expired,
        VersionState::Live => pb::SecretVersionState::Live,
        VersionState::Deleted => pb::SecretVersionState::Deleted,
        VersionState::Destroyed => pb::SecretVersionState::Destroyed,
    };
    pb::SecretVersion {
        version: version.number,
        created_at: Some(timestamp(version.created_at)),
        state: state.into(),
        expires_at: version.expires_at.map(timestamp),
    }
}

/// `now` tells which versions have expired.
fn metadata(record: &SecretRecord, now: Timestamp) -> pb::SecretMetadata {
    pb::SecretMetadata {
        path: record.path.to_string(),
        current_version: record.current,
        max_versions: record.max_versions,
        max_age: record.max_age.map(duration),
        expires_at: record.expires_at.map(timestamp),
        labels: record.labels.clone().into_iter().collect(),
        versions: record.versions.iter().map(|v| shown(v, v.state, record.expired(v, now))).collect(),
        created_at: Some(timestamp(record.created_at)),
    }
}

macro_rules! answers_metadata {
    ($($response:ident from $reply:ty, |$r:ident| $record:expr;)*) => {$(
        impl From<$reply> for pb::$response {
            fn from($r: $reply) -> Self {
                use keyward_sdk::time::Clock;
                let now = keyward_sdk::time::SystemClock.now();
                let record: Option<SecretRecord> = $record;
                Self { metadata: record.as_ref().map(|record| metadata(record, now)) }
            }
        }
    )*};
}

answers_metadata! {
    GetSecretMetadataResponse from SecretRecord, |r| Some(r);
    UpdateSecretMetadataResponse from Kept<SecretRecord>, |r| Some(r.0);
    DeleteSecretResponse from Kept<SecretRecord>, |r| Some(r.0);
    UndeleteSecretResponse from Kept<SecretRecord>, |r| Some(r.0);
    DestroySecretResponse from Kept<Option<SecretRecord>>, |r| r.0;
}

super::door::service! {
    pb::secret_service_server::SecretService;
    put_secret(PutSecretRequest) -> PutSecretResponse = PutSecret;
    get_secret(GetSecretRequest) -> GetSecretResponse = GetSecret;
    list_secrets(ListSecretsRequest) -> ListSecretsResponse = ListSecrets;
    get_secret_metadata(GetSecretMetadataRequest) -> GetSecretMetadataResponse = GetSecretMetadata;
    update_secret_metadata(UpdateSecretMetadataRequest) -> UpdateSecretMetadataResponse = UpdateSecretMetadata;
    delete_secret(DeleteSecretRequest) -> DeleteSecretResponse = DeleteSecret;
    undelete_secret(UndeleteSecretRequest) -> UndeleteSecretResponse = UndeleteSecret;
    destroy_secret(DestroySecretRequest) -> DestroySecretResponse = DestroySecret;
}
