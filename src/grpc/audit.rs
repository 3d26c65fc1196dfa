//! `AuditService`.

use keyward_api::v1 as pb;
use keyward_kit::audit::{
    Checkpoint, Record,
    read::Filter,
    record::{Decision, Phase},
};
use keyward_sdk::time::Timestamp;
use tonic::{Request, Response, Status};

use super::{
    convert::{parse_optional, timestamp},
    door::Door,
    stream::Items,
};
use crate::{
    audit::{RegisteredLog, Shown},
    engine::{
        EngineError, World,
        audit::{
            AuditLogs, Follow, GetAuditRecord, GetCheckpoint, LatestCheckpoint, ListAuditLogs, Proof, ShownRecord,
            TailAudit,
        },
    },
    method::TenantId,
};

/// The most bytes of a filter.
const MAX_FILTER: usize = 1_024;

fn text(field: &'static str, text: String) -> Result<Option<String>, EngineError> {
    match text.len() {
        0 => Ok(None),
        1..=MAX_FILTER => Ok(Some(text)),
        _ => Err(EngineError::invalid(field, format!("at most {MAX_FILTER} bytes are allowed"))),
    }
}

fn moment(field: &'static str, at: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, EngineError> {
    let Some(at) = at else { return Ok(None) };
    let wrong = || EngineError::invalid(field, "give a time after 1970");
    let seconds = u64::try_from(at.seconds).map_err(|_| wrong())?;
    let millis = u64::try_from(at.nanos).map_err(|_| wrong())? / 1_000_000;
    let millis = seconds.checked_mul(1_000).and_then(|all| all.checked_add(millis)).ok_or_else(wrong)?;
    Ok(Some(Timestamp::from_millis(millis)))
}

impl TryFrom<pb::TailAuditRequest> for TailAudit {
    type Error = EngineError;
    fn try_from(request: pb::TailAuditRequest) -> Result<Self, EngineError> {
        Ok(Self {
            follow: if request.follow { Follow::Yes } else { Follow::No },
            tenant: parse_optional("tenant", &request.tenant)?,
            filter: Filter {
                since: moment("since", request.since)?,
                until: moment("until", request.until)?,
                tenant: None,
                method: text("method", request.method)?,
                principal: text("principal", request.principal)?,
                resource: text("resource", request.resource)?,
                request_id: text("request_id", request.request_id)?,
            },
            last: usize::try_from(request.last).ok().filter(|last| *last > 0),
        })
    }
}

impl TryFrom<pb::GetAuditRecordRequest> for GetAuditRecord {
    type Error = EngineError;
    fn try_from(request: pb::GetAuditRecordRequest) -> Result<Self, EngineError> {
        let proof = if request.proof { Proof::Yes } else { Proof::No };
        Ok(Self { origin: text("origin", request.origin)?, sequence: request.sequence, proof })
    }
}

impl TryFrom<pb::ListAuditLogsRequest> for ListAuditLogs {
    type Error = EngineError;
    fn try_from(_: pb::ListAuditLogsRequest) -> Result<Self, EngineError> {
        Ok(Self)
    }
}

impl TryFrom<pb::GetCheckpointRequest> for GetCheckpoint {
    type Error = EngineError;
    fn try_from(request: pb::GetCheckpointRequest) -> Result<Self, EngineError> {
        Ok(Self { origin: text("origin", request.origin)? })
    }
}

impl From<LatestCheckpoint> for pb::GetCheckpointResponse {
    fn from(latest: LatestCheckpoint) -> Self {
        Self { checkpoint: latest.note, verifier: latest.verifier }
    }
}

impl From<AuditLogs> for pb::ListAuditLogsResponse {
    fn from(all: AuditLogs) -> Self {
        let log = |log: RegisteredLog| pb::AuditLog {
            size: log
                .last
                .as_deref()
                .and_then(|note| Checkpoint::danger_unverified(note).ok())
                .map_or(0, |last| last.size),
            current: log.origin == all.current,
            given_up: log.given_up,
            origin: log.origin,
            verifier: log.verifier,
            first_checkpoint: log.first.unwrap_or_default(),
            last_checkpoint: log.last.unwrap_or_default(),
        };
        Self { logs: all.logs.into_iter().map(log).collect(), folder: all.folder.unwrap_or_default() }
    }
}

impl From<ShownRecord> for pb::GetAuditRecordResponse {
    fn from(shown: ShownRecord) -> Self {
        let ShownRecord { record: found, proof, tenant } = shown;
        let (proof, verifier) = proof.unwrap_or_default();
        Self {
            record: Some(record(&found, tenant)),
            previous: found.found.prev.to_vec().into(),
            raw: found.found.body.into(),
            proof,
            verifier,
        }
    }
}

fn id(bytes: &[u8; 16]) -> String {
    if bytes == &[0; 16] { String::new() } else { data_encoding::HEXLOWER.encode(bytes) }
}

/// A record of a format that this program does not know has its place and nothing else.
fn record(shown: &Shown, tenant: String) -> pb::AuditRecord {
    let place =
        pb::AuditRecord { origin: shown.origin.to_string(), sequence: shown.found.sequence, ..Default::default() };
    let Ok(record) = Record::parse(&shown.found.body) else { return place };
    let phase = match record.phase {
        Phase::Complete => pb::AuditPhase::Complete,
        Phase::Intent => pb::AuditPhase::Intent,
        Phase::Outcome => pb::AuditPhase::Outcome,
        Phase::System => pb::AuditPhase::System,
    };
    let decision = match record.decision {
        Decision::Allowed => pb::AuditDecision::Allowed,
        Decision::Denied => pb::AuditDecision::Denied,
        Decision::None => pb::AuditDecision::Unspecified,
    };
    let who = &record.principal;
    let principal = (!who.issuer_kind.is_empty()).then(|| pb::AuditPrincipal {
        issuer_kind: who.issuer_kind.to_owned(),
        issuer: who.issuer_name.to_owned(),
        subject: who.subject.to_owned(),
    });
    let outcome =
        record.outcome.map(|came| pb::AuditOutcome { code: came.code.into(), reason: came.reason.to_owned() });
    let hash = |(name, hash): &(&str, [u8; 32])| pb::AuditHash { name: (*name).to_owned(), hash: hash.to_vec().into() };
    pb::AuditRecord {
        time: Some(timestamp(record.time)),
        phase: phase.into(),
        decision: decision.into(),
        tenant_id: data_encoding::HEXLOWER.encode(&record.tenant),
        tenant,
        method: record.method.to_owned(),
        principal,
        role: record.role.to_owned(),
        token_id: id(&record.token),
        peer: record.peer.to_owned(),
        resource_kind: record.resource_kind.to_owned(),
        resource: record.resource.to_owned(),
        request_id: record.request_id.to_owned(),
        trace_id: id(&record.trace_id),
        outcome,
        intent: record.intent.checked_sub(1),
        policies: record.policies.iter().map(|id| (*id).to_owned()).collect(),
        hashes: record.hashes.iter().map(hash).collect(),
        details: record.details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..place
    }
}

/// One item of a tail.
fn item(shown: Shown, world: &World) -> pb::TailAuditResponse {
    let tenant = Record::parse(&shown.found.body).map_or(TenantId::SYSTEM, |record| TenantId(record.tenant));
    pb::TailAuditResponse { record: Some(record(&shown, world.tenant_name(tenant))) }
}

#[tonic::async_trait]
impl pb::audit_service_server::AuditService for Door {
    type TailAuditStream = Items<pb::TailAuditResponse>;

    async fn tail_audit(
        &self,
        request: Request<pb::TailAuditRequest>,
    ) -> Result<Response<Self::TailAuditStream>, Status> {
        self.stream::<TailAudit, _, _, _>(request, item).await
    }

    async fn get_audit_record(
        &self,
        request: Request<pb::GetAuditRecordRequest>,
    ) -> Result<Response<pb::GetAuditRecordResponse>, Status> {
        self.handle::<GetAuditRecord, _, _>(request).await
    }

    async fn list_audit_logs(
        &self,
        request: Request<pb::ListAuditLogsRequest>,
    ) -> Result<Response<pb::ListAuditLogsResponse>, Status> {
        self.handle::<ListAuditLogs, _, _>(request).await
    }

    async fn get_checkpoint(
        &self,
        request: Request<pb::GetCheckpointRequest>,
    ) -> Result<Response<pb::GetCheckpointResponse>, Status> {
        self.handle::<GetCheckpoint, _, _>(request).await
    }
}
