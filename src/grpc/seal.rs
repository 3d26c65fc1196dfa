//! `SealService`.

use keyward_api::v1 as pb;
use keyward_sdk::secret::SecretString;
use tonic::{Request, Response, Status};

use super::{
    convert::{parse, parse_optional},
    door::Door,
};
use crate::{
    engine::{
        Connection, EngineError, Kept, SealState,
        system::{
            DeleteSealPath, DrillSeal, GetSealStatus, GetStatus, Initialize, Initialized, ListSealPaths, PathChanged,
            PutSealPath, Recover, Recovered, RotateKeyring, RotateRootKey, Seal, SealStatus, Sealed, Unseal,
        },
        tenant::MAIN,
    },
    seal::{InstallationId, NewMember, NewPath, PathProgress, PersonShare, Who},
};

impl TryFrom<pb::SealPath> for NewPath {
    type Error = EngineError;
    fn try_from(path: pb::SealPath) -> Result<Self, EngineError> {
        let k = u8::try_from(path.threshold).map_err(|_| EngineError::invalid("threshold", "at most 16"))?;
        let members = path.members.into_iter().map(NewMember::try_from).collect::<Result<_, _>>()?;
        Ok(Self { name: parse("path.name", &path.name)?, k, members })
    }
}

impl TryFrom<pb::SealMember> for NewMember {
    type Error = EngineError;
    fn try_from(member: pb::SealMember) -> Result<Self, EngineError> {
        let who = if member.kind.is_empty() {
            Who::Person { label: member.name.clone() }
        } else {
            Who::Wrapper { kind: member.kind, settings: member.settings.into_iter().collect() }
        };
        Ok(Self { name: parse("member.name", &member.name)?, who })
    }
}

impl From<SealState> for pb::SealState {
    fn from(state: SealState) -> Self {
        match state {
            SealState::Uninitialized => Self::Uninitialized,
            SealState::Sealed => Self::Sealed,
            SealState::Unsealed => Self::Unsealed,
        }
    }
}

impl From<PersonShare> for pb::PersonShare {
    fn from(share: PersonShare) -> Self {
        Self { path: share.path.to_string(), member: share.member.to_string(), share: share.text.expose().to_owned() }
    }
}

impl From<PathProgress> for pb::UnsealProgress {
    fn from(progress: PathProgress) -> Self {
        Self { path: progress.path.to_string(), received: progress.have.into(), threshold: progress.need.into() }
    }
}

impl TryFrom<pb::InitializeRequest> for Initialize {
    type Error = EngineError;
    fn try_from(request: pb::InitializeRequest) -> Result<Self, EngineError> {
        Ok(Self { paths: request.paths.into_iter().map(NewPath::try_from).collect::<Result<_, _>>()? })
    }
}

impl From<Initialized> for pb::InitializeResponse {
    fn from(made: Initialized) -> Self {
        Self {
            installation_id: InstallationId::from_bytes(made.installation.0).to_string(),
            root_fingerprint: made.root_fingerprint,
            shares: made.shares.into_iter().map(Into::into).collect(),
            operator_token: made.operator_token.expose().to_owned(),
            ca_certificate: made.ca_certificate,
        }
    }
}

impl TryFrom<pb::GetSealStatusRequest> for GetSealStatus {
    type Error = EngineError;
    fn try_from(_request: pb::GetSealStatusRequest) -> Result<Self, EngineError> {
        Ok(Self)
    }
}

impl From<SealStatus> for pb::GetSealStatusResponse {
    fn from(status: SealStatus) -> Self {
        Self {
            state: pb::SealState::from(status.state).into(),
            progress: status.progress.into_iter().map(Into::into).collect(),
            installation_id: status.installation.unwrap_or_default(),
            reason: status.reason.unwrap_or_default(),
        }
    }
}

impl TryFrom<pb::UnsealRequest> for Unseal {
    type Error = EngineError;
    fn try_from(request: pb::UnsealRequest) -> Result<Self, EngineError> {
        let share = (!request.share.is_empty()).then(|| SecretString::new(request.share));
        Ok(Self { share: share.transpose().map_err(|error| EngineError::invalid("share", error.to_string()))? })
    }
}

impl From<SealStatus> for pb::UnsealResponse {
    fn from(status: SealStatus) -> Self {
        Self {
            state: pb::SealState::from(status.state).into(),
            progress: status.progress.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<pb::SealRequest> for Seal {
    type Error = EngineError;
    fn try_from(_request: pb::SealRequest) -> Result<Self, EngineError> {
        Ok(Self)
    }
}

impl From<Sealed> for pb::SealResponse {
    fn from(_: Sealed) -> Self {
        Self {}
    }
}

impl TryFrom<pb::RotateKeyringRequest> for RotateKeyring {
    type Error = EngineError;
    fn try_from(request: pb::RotateKeyringRequest) -> Result<Self, EngineError> {
        Ok(Self { tenant: parse_optional("tenant", &request.tenant)? })
    }
}

impl From<Kept<u32>> for pb::RotateKeyringResponse {
    fn from(Kept(version): Kept<u32>) -> Self {
        Self { version }
    }
}

impl TryFrom<pb::PutSealPathRequest> for PutSealPath {
    type Error = EngineError;
    fn try_from(request: pb::PutSealPathRequest) -> Result<Self, EngineError> {
        let path = request.path.ok_or_else(|| EngineError::invalid("path", "say what the path is to be"))?;
        Ok(Self { path: path.try_into()?, connection: Connection::default() })
    }
}

impl From<PathChanged> for pb::PutSealPathResponse {
    fn from(changed: PathChanged) -> Self {
        Self { shares: changed.shares.into_iter().map(Into::into).collect(), notes: changed.notes }
    }
}

impl TryFrom<pb::DeleteSealPathRequest> for DeleteSealPath {
    type Error = EngineError;
    fn try_from(request: pb::DeleteSealPathRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)? })
    }
}

impl From<PathChanged> for pb::DeleteSealPathResponse {
    fn from(changed: PathChanged) -> Self {
        Self { notes: changed.notes }
    }
}

impl TryFrom<pb::RotateRootKeyRequest> for RotateRootKey {
    type Error = EngineError;
    fn try_from(_request: pb::RotateRootKeyRequest) -> Result<Self, EngineError> {
        Ok(Self)
    }
}

impl From<Kept<String>> for pb::RotateRootKeyResponse {
    fn from(Kept(root_fingerprint): Kept<String>) -> Self {
        Self { root_fingerprint }
    }
}

impl TryFrom<pb::RecoverRequest> for Recover {
    type Error = EngineError;
    fn try_from(request: pb::RecoverRequest) -> Result<Self, EngineError> {
        let shares = request.shares.into_iter().map(SecretString::new).collect::<Result<_, _>>();
        let shares = shares.map_err(|error| EngineError::invalid("shares", error.to_string()))?;
        let tenant = if request.tenant.is_empty() { MAIN } else { &request.tenant };
        Ok(Self { shares, tenant: parse("tenant", tenant)? })
    }
}

impl From<Recovered> for pb::RecoverResponse {
    fn from(recovered: Recovered) -> Self {
        Self { operator_token: recovered.operator_token.expose().to_owned() }
    }
}

super::door::service! {
    pb::seal_service_server::SealService;
    initialize(InitializeRequest) -> InitializeResponse = Initialize, sealed;
    get_seal_status(GetSealStatusRequest) -> GetSealStatusResponse = GetSealStatus, sealed;
    unseal(UnsealRequest) -> UnsealResponse = Unseal, sealed;
    seal(SealRequest) -> SealResponse = Seal;
    list_seal_paths(ListSealPathsRequest) -> ListSealPathsResponse = ListSealPaths;
    drill_seal(DrillSealRequest) -> DrillSealResponse = DrillSeal;
    put_seal_path(PutSealPathRequest) -> PutSealPathResponse = PutSealPath;
    delete_seal_path(DeleteSealPathRequest) -> DeleteSealPathResponse = DeleteSealPath;
    rotate_root_key(RotateRootKeyRequest) -> RotateRootKeyResponse = RotateRootKey;
    rotate_keyring(RotateKeyringRequest) -> RotateKeyringResponse = RotateKeyring;
    recover(RecoverRequest) -> RecoverResponse = Recover, sealed;
    get_status(GetStatusRequest) -> GetStatusResponse = GetStatus;
}
