//! `KeyService`.

use std::collections::BTreeSet;

use data_encoding::{BASE64, HEXLOWER};
use keyward_api::v1 as pb;
use keyward_sdk::time::Span;
use tonic::{Request, Response, Status};

use super::{
    convert::{duration, page, parse, parse_optional, span_optional, timestamp},
    door::Door,
};
use crate::engine::{
    EngineError, Kept, Page,
    key::{
        CancelKeyDestruction, CreateKey, GetImportParameters, GetKey, GetPublicKey, ImportKey, ImportParameters,
        KeyInfo, KeyType, ListKeys, Origin, PublicKeyOf, RotateKey, ScheduleKeyDestruction, SetKeyVersionState,
        Settable, ShownKey, UpdateKey, Use, VersionInfo, VersionState, Wrapping, WrappingKey,
    },
};

impl TryFrom<pb::CreateKeyRequest> for CreateKey {
    type Error = EngineError;
    fn try_from(request: pb::CreateKeyRequest) -> Result<Self, EngineError> {
        let origin = match request.origin() {
            pb::KeyOrigin::Unspecified | pb::KeyOrigin::Generated => Origin::Generated,
            pb::KeyOrigin::Imported => Origin::Imported,
        };
        known("origin", pb::KeyOrigin::try_from(request.origin).is_ok())?;
        Ok(Self {
            path: parse("path", &request.path)?,
            kind: kind_of(request.r#type)?,
            origin,
            uses: request.operations.iter().map(|operation| use_of(*operation)).collect::<Result<BTreeSet<_>, _>>()?,
            exportable: request.exportable,
            rotation_period: span_optional("rotation_period", request.rotation_period.as_ref())?
                .filter(|s| *s > Span::ZERO),
            deletion_protection: request.deletion_protection,
            labels: request.labels.into_iter().collect(),
        })
    }
}

impl TryFrom<pb::ListKeysRequest> for ListKeys {
    type Error = EngineError;
    fn try_from(request: pb::ListKeysRequest) -> Result<Self, EngineError> {
        Ok(Self {
            folder: parse_optional("folder", &request.folder)?,
            page: page(request.page_size, request.page_token)?,
        })
    }
}

impl TryFrom<pb::UpdateKeyRequest> for UpdateKey {
    type Error = EngineError;
    fn try_from(request: pb::UpdateKeyRequest) -> Result<Self, EngineError> {
        Ok(Self {
            path: parse("path", &request.path)?,
            rotation_period: span_optional("rotation_period", request.rotation_period.as_ref())?,
            deletion_protection: request.deletion_protection,
            exportable: request.exportable,
            labels: request.labels.map(|labels| labels.labels.into_iter().collect()),
        })
    }
}

impl TryFrom<pb::GetImportParametersRequest> for GetImportParameters {
    type Error = EngineError;
    fn try_from(request: pb::GetImportParametersRequest) -> Result<Self, EngineError> {
        let asked = pb::WrappingKeyType::try_from(request.wrapping_key_type);
        known("wrapping_key_type", asked.is_ok())?;
        let wrapping_key = match request.wrapping_key_type() {
            pb::WrappingKeyType::Unspecified | pb::WrappingKeyType::Rsa3072 => WrappingKey::Rsa3072,
            pb::WrappingKeyType::Rsa4096 => WrappingKey::Rsa4096,
        };
        Ok(Self { path: parse("path", &request.path)?, wrapping_key })
    }
}

impl TryFrom<pb::ImportKeyRequest> for ImportKey {
    type Error = EngineError;
    fn try_from(request: pb::ImportKeyRequest) -> Result<Self, EngineError> {
        let wrapping = match pb::WrappingAlgorithm::try_from(request.algorithm) {
            Ok(pb::WrappingAlgorithm::RsaOaepSha256) => Wrapping::RsaOaep,
            Ok(pb::WrappingAlgorithm::RsaAesKeyWrapSha256) => Wrapping::RsaAesKeyWrap,
            Ok(pb::WrappingAlgorithm::Unspecified) | Err(_) => {
                return Err(EngineError::invalid("algorithm", "say how the key is wrapped"));
            }
        };
        let id = HEXLOWER.decode(request.import_id.as_bytes()).ok().and_then(|id| id.try_into().ok());
        let import_id = id.ok_or_else(|| EngineError::invalid("import_id", "32 hex digits are expected"))?;
        Ok(Self { path: parse("path", &request.path)?, import_id, wrapping, wrapped: request.wrapped_key })
    }
}

impl TryFrom<pb::SetKeyVersionStateRequest> for SetKeyVersionState {
    type Error = EngineError;
    fn try_from(request: pb::SetKeyVersionStateRequest) -> Result<Self, EngineError> {
        let state = match pb::KeyVersionState::try_from(request.state) {
            Ok(pb::KeyVersionState::Enabled) => Settable::Enabled,
            Ok(pb::KeyVersionState::DecryptOnly) => Settable::DecryptOnly,
            Ok(pb::KeyVersionState::Disabled) => Settable::Disabled,
            Ok(pb::KeyVersionState::Scheduled | pb::KeyVersionState::Destroyed) => {
                return Err(EngineError::invalid("state", "to destroy a version, schedule its destruction"));
            }
            Ok(pb::KeyVersionState::Unspecified) | Err(_) => {
                return Err(EngineError::invalid("state", "enabled, decrypt-only or disabled can be set"));
            }
        };
        Ok(Self { path: parse("path", &request.path)?, version: request.version, state })
    }
}

impl TryFrom<pb::ScheduleKeyDestructionRequest> for ScheduleKeyDestruction {
    type Error = EngineError;
    fn try_from(request: pb::ScheduleKeyDestructionRequest) -> Result<Self, EngineError> {
        Ok(Self {
            path: parse("path", &request.path)?,
            version: given(request.version),
            waiting_period: span_optional("waiting_period", request.waiting_period.as_ref())?,
        })
    }
}

impl TryFrom<pb::CancelKeyDestructionRequest> for CancelKeyDestruction {
    type Error = EngineError;
    fn try_from(request: pb::CancelKeyDestructionRequest) -> Result<Self, EngineError> {
        Ok(Self { path: parse("path", &request.path)?, version: given(request.version) })
    }
}

impl TryFrom<pb::GetPublicKeyRequest> for GetPublicKey {
    type Error = EngineError;
    fn try_from(request: pb::GetPublicKeyRequest) -> Result<Self, EngineError> {
        Ok(Self { path: parse("path", &request.path)?, version: given(request.version) })
    }
}

macro_rules! by_path {
    ($($request:ident => $operation:ident),* $(,)?) => {$(
        impl TryFrom<pb::$request> for $operation {
            type Error = EngineError;
            fn try_from(request: pb::$request) -> Result<Self, EngineError> {
                Ok(Self { path: parse("path", &request.path)? })
            }
        }
    )*};
}

by_path!(GetKeyRequest => GetKey, RotateKeyRequest => RotateKey);

impl From<ShownKey> for pb::GetKeyResponse {
    fn from(shown: ShownKey) -> Self {
        let mut key = key(shown.info);
        for version in &mut key.versions {
            version.uses = Some(shown.uses.get(&version.version).copied().unwrap_or(0));
        }
        Self { key: Some(key) }
    }
}

impl From<Page<KeyInfo>> for pb::ListKeysResponse {
    fn from(page: Page<KeyInfo>) -> Self {
        Self { keys: page.items.into_iter().map(key).collect(), next_page_token: page.next }
    }
}

impl From<Kept<ImportParameters>> for pb::GetImportParametersResponse {
    fn from(Kept(made): Kept<ImportParameters>) -> Self {
        Self {
            import_id: HEXLOWER.encode(&made.id),
            public_key_pem: pem(&made.public_key),
            public_key_der: made.public_key.into(),
            expires_at: Some(timestamp(made.expires_at)),
        }
    }
}

impl From<PublicKeyOf> for pb::GetPublicKeyResponse {
    fn from(public: PublicKeyOf) -> Self {
        Self {
            pem: pem(&public.der),
            der: public.der.into(),
            version: public.version,
            r#type: shown_kind(public.kind).into(),
        }
    }
}

macro_rules! answers_key {
    ($($response:ident),* $(,)?) => {$(
        impl From<Kept<KeyInfo>> for pb::$response {
            fn from(Kept(info): Kept<KeyInfo>) -> Self {
                Self { key: Some(key(info)) }
            }
        }
    )*};
}

answers_key!(
    CreateKeyResponse,
    UpdateKeyResponse,
    RotateKeyResponse,
    ImportKeyResponse,
    SetKeyVersionStateResponse,
    ScheduleKeyDestructionResponse,
    CancelKeyDestructionResponse,
);

fn key(info: KeyInfo) -> pb::Key {
    pb::Key {
        next_rotation_at: info.next_rotation().map(timestamp),
        path: info.path.into(),
        id: HEXLOWER.encode(&info.id),
        r#type: shown_kind(info.kind).into(),
        origin: match info.origin {
            Origin::Generated => pb::KeyOrigin::Generated,
            Origin::Imported => pb::KeyOrigin::Imported,
        }
        .into(),
        operations: info.uses.into_iter().map(|used| shown_use(used).into()).collect(),
        exportable: info.exportable,
        created_at: Some(timestamp(info.created_at)),
        primary_version: info.primary,
        rotation_period: info.rotation_period.map(duration),
        deletion_protection: info.deletion_protection,
        labels: info.labels.into_iter().collect(),
        destroy_at: info.destroy_at.map(timestamp),
        versions: info.versions.iter().map(version).collect(),
    }
}

fn version(info: &VersionInfo) -> pb::KeyVersion {
    let (state, destroy_at) = match info.state {
        VersionState::Enabled => (pb::KeyVersionState::Enabled, None),
        VersionState::DecryptOnly => (pb::KeyVersionState::DecryptOnly, None),
        VersionState::Disabled => (pb::KeyVersionState::Disabled, None),
        VersionState::Scheduled(at) => (pb::KeyVersionState::Scheduled, Some(timestamp(at))),
        VersionState::Destroyed => (pb::KeyVersionState::Destroyed, None),
    };
    pb::KeyVersion {
        version: info.number,
        id: HEXLOWER.encode(&info.id),
        created_at: Some(timestamp(info.created_at)),
        state: state.into(),
        destroy_at,
        uses: None,
    }
}

fn kind_of(given: i32) -> Result<KeyType, EngineError> {
    Ok(match pb::KeyType::try_from(given) {
        Ok(pb::KeyType::Aes256Gcm) => KeyType::Aes256Gcm,
        Ok(pb::KeyType::Chacha20Poly1305) => KeyType::Chacha20Poly1305,
        Ok(pb::KeyType::HmacSha256) => KeyType::HmacSha256,
        Ok(pb::KeyType::Ed25519) => KeyType::Ed25519,
        Ok(pb::KeyType::EcdsaP256) => KeyType::EcdsaP256,
        Ok(pb::KeyType::EcdsaP384) => KeyType::EcdsaP384,
        Ok(pb::KeyType::Rsa2048) => KeyType::Rsa2048,
        Ok(pb::KeyType::Rsa3072) => KeyType::Rsa3072,
        Ok(pb::KeyType::Rsa4096) => KeyType::Rsa4096,
        Ok(pb::KeyType::Unspecified) | Err(_) => {
            let known = KeyType::ALL.map(KeyType::name).join(", ");
            return Err(EngineError::invalid("type", format!("say one of {known}")));
        }
    })
}

fn shown_kind(kind: KeyType) -> pb::KeyType {
    match kind {
        KeyType::Aes256Gcm => pb::KeyType::Aes256Gcm,
        KeyType::Chacha20Poly1305 => pb::KeyType::Chacha20Poly1305,
        KeyType::HmacSha256 => pb::KeyType::HmacSha256,
        KeyType::Ed25519 => pb::KeyType::Ed25519,
        KeyType::EcdsaP256 => pb::KeyType::EcdsaP256,
        KeyType::EcdsaP384 => pb::KeyType::EcdsaP384,
        KeyType::Rsa2048 => pb::KeyType::Rsa2048,
        KeyType::Rsa3072 => pb::KeyType::Rsa3072,
        KeyType::Rsa4096 => pb::KeyType::Rsa4096,
    }
}

fn use_of(given: i32) -> Result<Use, EngineError> {
    Ok(match pb::KeyOperation::try_from(given) {
        Ok(pb::KeyOperation::Encrypt) => Use::Encrypt,
        Ok(pb::KeyOperation::Decrypt) => Use::Decrypt,
        Ok(pb::KeyOperation::Sign) => Use::Sign,
        Ok(pb::KeyOperation::Verify) => Use::Verify,
        Ok(pb::KeyOperation::Mac) => Use::Mac,
        Ok(pb::KeyOperation::VerifyMac) => Use::VerifyMac,
        Ok(pb::KeyOperation::Unspecified) | Err(_) => {
            return Err(EngineError::invalid("operations", "holds one that does not exist"));
        }
    })
}

fn shown_use(used: Use) -> pb::KeyOperation {
    match used {
        Use::Encrypt => pb::KeyOperation::Encrypt,
        Use::Decrypt => pb::KeyOperation::Decrypt,
        Use::Sign => pb::KeyOperation::Sign,
        Use::Verify => pb::KeyOperation::Verify,
        Use::Mac => pb::KeyOperation::Mac,
        Use::VerifyMac => pb::KeyOperation::VerifyMac,
    }
}

fn known(field: &'static str, is_known: bool) -> Result<(), EngineError> {
    if is_known { Ok(()) } else { Err(EngineError::invalid(field, "is one that does not exist")) }
}

fn given(version: u32) -> Option<u32> {
    (version > 0).then_some(version)
}

fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join("\n");
    format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n")
}

super::door::service! {
    pb::key_service_server::KeyService;
    create_key(CreateKeyRequest) -> CreateKeyResponse = CreateKey;
    get_key(GetKeyRequest) -> GetKeyResponse = GetKey;
    list_keys(ListKeysRequest) -> ListKeysResponse = ListKeys;
    update_key(UpdateKeyRequest) -> UpdateKeyResponse = UpdateKey;
    rotate_key(RotateKeyRequest) -> RotateKeyResponse = RotateKey;
    get_import_parameters(GetImportParametersRequest) -> GetImportParametersResponse = GetImportParameters;
    import_key(ImportKeyRequest) -> ImportKeyResponse = ImportKey;
    set_key_version_state(SetKeyVersionStateRequest) -> SetKeyVersionStateResponse = SetKeyVersionState;
    schedule_key_destruction(ScheduleKeyDestructionRequest) -> ScheduleKeyDestructionResponse = ScheduleKeyDestruction;
    cancel_key_destruction(CancelKeyDestructionRequest) -> CancelKeyDestructionResponse = CancelKeyDestruction;
    get_public_key(GetPublicKeyRequest) -> GetPublicKeyResponse = GetPublicKey;
}
