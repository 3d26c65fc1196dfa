//! Records for people and for programs.

use keyward_api::v1::{AuditDecision, AuditPhase, AuditRecord};
use serde_json::{Map, Value, json};

use crate::cli::output::time;

fn phase(record: &AuditRecord) -> &'static str {
    match AuditPhase::try_from(record.phase) {
        Ok(AuditPhase::Complete) => "complete",
        Ok(AuditPhase::Intent) => "intent",
        Ok(AuditPhase::Outcome) => "outcome",
        Ok(AuditPhase::System) => "system",
        _ => "unknown",
    }
}

fn decision(record: &AuditRecord) -> &'static str {
    match AuditDecision::try_from(record.decision) {
        Ok(AuditDecision::Allowed) => "allowed",
        Ok(AuditDecision::Denied) => "denied",
        _ => "",
    }
}

fn principal(record: &AuditRecord) -> String {
    let Some(who) = &record.principal else { return String::new() };
    let vouched = if who.issuer.is_empty() { &who.issuer_kind } else { &who.issuer };
    if who.subject.is_empty() { vouched.clone() } else { format!("{vouched}/{}", who.subject) }
}

/// All of a record, under the names that it also has in JSON.
pub(super) fn fields(record: &AuditRecord) -> Vec<(&'static str, Value)> {
    let hashes: Map<_, _> =
        record.hashes.iter().map(|hash| (hash.name.clone(), json!(data_encoding::BASE64.encode(&hash.hash)))).collect();
    let details: Map<_, _> = record.details.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    vec![
        ("origin", json!(record.origin)),
        ("sequence", json!(record.sequence)),
        ("time", time(record.time.as_ref())),
        ("phase", json!(phase(record))),
        ("method", json!(record.method)),
        ("principal", json!(principal(record))),
        ("role", json!(record.role)),
        ("tenant", json!(record.tenant)),
        ("tenant_id", json!(record.tenant_id)),
        ("resource_kind", json!(record.resource_kind)),
        ("resource", json!(record.resource)),
        ("decision", json!(decision(record))),
        ("code", record.outcome.as_ref().map_or(Value::Null, |came| json!(came.code))),
        ("reason", record.outcome.as_ref().map_or(Value::Null, |came| json!(came.reason))),
        ("intent", record.intent.map_or(Value::Null, |sequence| json!(sequence))),
        ("policies", json!(record.policies)),
        ("peer", json!(record.peer)),
        ("token_id", json!(record.token_id)),
        ("request_id", json!(record.request_id)),
        ("trace_id", json!(record.trace_id)),
        ("hashes", Value::Object(hashes)),
        ("details", Value::Object(details)),
    ]
}

/// A record as one JSON object.
pub(super) fn object(record: &AuditRecord) -> Value {
    Value::Object(fields(record).into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// What came of it in a word: `intent`, `ok`, or the reason.
fn result(record: &AuditRecord) -> String {
    match (&record.outcome, phase(record)) {
        (Some(came), _) if came.code == 0 => "ok".to_owned(),
        (Some(came), _) => came.reason.clone(),
        (None, phase) => phase.to_owned(),
    }
}

/// A record in one line.
pub(super) fn line(record: &AuditRecord) -> String {
    let at = time(record.time.as_ref());
    let method = record.method.strip_prefix("keyward.v1.").unwrap_or(&record.method);
    let tenant = if record.tenant.is_empty() { "-" } else { &record.tenant };
    let line = format!(
        "{:>8}  {:<24}  {:<18}  {:<34}  {tenant:<12}  {:<28}  {}",
        record.sequence,
        at.as_str().unwrap_or_default(),
        result(record),
        method,
        principal(record),
        record.resource,
    );
    line.trim_end().to_owned()
}
