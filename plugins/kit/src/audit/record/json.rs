//! A record as JSON, for people and for export. Never read back.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Map, Value, json};

use super::{Decision, Phase, Record};

impl Record<'_> {
    /// The record as a JSON object; fields that are empty are left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| {
            let empty = match &value {
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                Value::Object(fields) => fields.is_empty(),
                Value::Null => true,
                Value::Bool(_) | Value::Number(_) => false,
            };
            if !empty {
                out.insert(name.to_owned(), value);
            }
        };
        put("sequence", self.sequence.into());
        put("time", self.time.to_string().into());
        put("phase", self.phase.name().into());
        put("request_id", self.request_id.into());
        put("trace_id", id(&self.trace_id));
        put("method", self.method.into());
        put("tenant", HEXLOWER.encode(&self.tenant).into());
        put("principal", self.principal());
        put("role", self.role.into());
        put("token", id(&self.token));
        put("peer", self.peer.into());
        put("resource_kind", self.resource_kind.into());
        put("resource", self.resource.into());
        put("policies", json!(self.policies));
        put("decision", self.decision.name().into());
        if let Some(outcome) = &self.outcome {
            put("code", outcome.code.into());
            put("reason", outcome.reason.into());
        }
        if let Some(intent) = self.intent.checked_sub(1) {
            put("intent", intent.into());
        }
        let hashes = self.hashes.iter().map(|(name, hash)| ((*name).to_owned(), Value::String(BASE64.encode(hash))));
        put("hashes", hashes.collect());
        let details = self.details.iter().map(|(name, value)| ((*name).to_owned(), Value::String((*value).to_owned())));
        put("details", details.collect());
        Value::Object(out)
    }

    fn principal(&self) -> Value {
        let who = &self.principal;
        if who.issuer_kind.is_empty() {
            return Value::Null;
        }
        json!({ "issuer_kind": who.issuer_kind, "issuer_name": who.issuer_name, "subject": who.subject })
    }
}

impl Phase {
    /// Its name as it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::System => "system",
        }
    }
}

impl Decision {
    /// Its name as it is shown; empty when policy was not asked.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::None => "",
        }
    }
}

fn id(bytes: &[u8; 16]) -> Value {
    if bytes == &[0; 16] { Value::Null } else { HEXLOWER.encode(bytes).into() }
}
