//! What `SealService` shows: paths, members, drill, the installation.

use keyward_api::v1 as pb;

use super::convert::{duration, timestamp};
use crate::{
    engine::{
        EngineError,
        system::{DrillSeal, GetStatus, Installed, KeyringStatus, ListSealPaths},
    },
    seal::{Coalition, Drill, Loss, MemberStatus, PathStatus, Reach, Status},
};

impl TryFrom<pb::ListSealPathsRequest> for ListSealPaths {
    type Error = EngineError;
    fn try_from(request: pb::ListSealPathsRequest) -> Result<Self, EngineError> {
        Ok(Self { probe: request.probe })
    }
}

impl From<Status> for pb::ListSealPathsResponse {
    fn from(status: Status) -> Self {
        Self { paths: status.paths.into_iter().map(Into::into).collect() }
    }
}

impl From<PathStatus> for pb::SealPathStatus {
    fn from(path: PathStatus) -> Self {
        Self {
            name: path.name.to_string(),
            threshold: path.k.into(),
            epoch: path.epoch,
            members: path.members.into_iter().map(Into::into).collect(),
            opens_by_itself: path.opens_by_itself,
        }
    }
}

impl From<MemberStatus> for pb::SealMemberStatus {
    fn from(member: MemberStatus) -> Self {
        let (reachable, latency, problem) = match member.reach {
            Reach::Failed { error, .. } => (false, None, error.to_string()),
            Reach::Person | Reach::Unknown => (false, None, String::new()),
            Reach::Reachable { latency } => (true, Some(duration(latency.into())), String::new()),
        };
        Self {
            name: member.name.to_string(),
            kind: member.kind.unwrap_or_default(),
            reachable,
            latency,
            proven_at: member.last_proof.map(timestamp),
            problem,
            holder: member.holder,
        }
    }
}

impl TryFrom<pb::DrillSealRequest> for DrillSeal {
    type Error = EngineError;
    fn try_from(_request: pb::DrillSealRequest) -> Result<Self, EngineError> {
        Ok(Self)
    }
}

impl From<Drill> for pb::DrillSealResponse {
    fn from(drill: Drill) -> Self {
        let losses = |losses: Vec<Loss>| losses.into_iter().map(Into::into).collect();
        Self {
            coalitions: drill.coalitions.into_iter().map(Into::into).collect(),
            single_losses: losses(drill.single_losses),
            fatal: losses(drill.fatal),
            survives_any: u32::try_from(drill.survives_any).unwrap_or(u32::MAX),
            alone: drill.alone,
        }
    }
}

impl From<Coalition> for pb::SealCoalition {
    fn from(one: Coalition) -> Self {
        Self { path: one.path.to_string(), threshold: one.k.into(), of: one.of, smallest: one.smallest }
    }
}

impl From<Loss> for pb::SealLoss {
    fn from(loss: Loss) -> Self {
        Self { lost: loss.lost, survived: loss.survived }
    }
}

impl TryFrom<pb::GetStatusRequest> for GetStatus {
    type Error = EngineError;
    fn try_from(_request: pb::GetStatusRequest) -> Result<Self, EngineError> {
        Ok(Self)
    }
}

impl From<Installed> for pb::GetStatusResponse {
    fn from(installed: Installed) -> Self {
        Self {
            version: installed.version.to_owned(),
            // Whoever is sealed does not answer this.
            state: pb::SealState::Unsealed.into(),
            installation_id: installed.installation,
            root_fingerprint: installed.root_fingerprint,
            store_kind: installed.store_kind.to_owned(),
            keyrings: installed.keyrings.into_iter().map(Into::into).collect(),
            last_backup_at: installed.last_backup.map(timestamp),
            memory_protection: installed.memory,
            warnings: installed.warnings,
            started_at: Some(timestamp(installed.started)),
        }
    }
}

impl From<KeyringStatus> for pb::KeyringStatus {
    fn from(ring: KeyringStatus) -> Self {
        Self {
            tenant: ring.tenant.unwrap_or_default(),
            versions: u32::try_from(ring.versions).unwrap_or(u32::MAX),
            primary: ring.primary,
            rotated_at: ring.rotated_at.map(timestamp),
        }
    }
}
