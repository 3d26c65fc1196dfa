//! What is known of a request, for its record.

use std::sync::Arc;

use keyward_kit::audit::{
    Priority, RecordError,
    record::{Decision, MAX_ITEMS, Outcome, Phase, Principal, Record},
};
use keyward_sdk::time::Timestamp;

use crate::method::{Method, Resource, TenantId};

/// Actions that must be possible when the disk is full, by the last word of their RPC.
const URGENT: [&str; 3] = ["Revoke", "Seal", "Suspend"];

/// Who asked, as identity says.
#[derive(Clone, Debug)]
pub struct Who {
    /// The tenant in which it acts.
    pub tenant: TenantId,
    /// The kind of issuer that vouches for it.
    pub issuer_kind: &'static str,
    /// The issuer's name, where that kind has names.
    pub issuer_name: String,
    /// Its name at that issuer.
    pub subject: Arc<str>,
    /// The role it acts in; empty before login.
    pub role: String,
    /// Its token, where it came with one.
    pub token: Option<[u8; 16]>,
}

/// How a request failed, in the words that its caller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    reason: String,
}

impl Failure {
    /// The gRPC code, which is not 0, and the fixed reason.
    #[must_use]
    pub fn new(code: u8, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// What is known of a request. Never holds the value of a secret: those come as keyed hashes.
#[derive(Clone, Debug)]
pub struct Entry {
    method: &'static Method,
    who: Who,
    resource_kind: &'static str,
    resource: String,
    policies: Vec<String>,
    peer: String,
    request_id: String,
    trace_id: [u8; 16],
    hashes: Vec<(String, [u8; 32])>,
    details: Vec<(&'static str, String)>,
    urgent: bool,
}

impl Entry {
    /// A request for `method` on `resource`, and the policies that decided.
    #[must_use]
    pub fn new<'p>(
        method: &'static Method,
        who: Who,
        resource: &impl Resource,
        policies: impl IntoIterator<Item = &'p str>,
    ) -> Self {
        let verb = method.rpc.rsplit('/').next().unwrap_or_default();
        Self {
            method,
            who,
            resource_kind: resource.kind().entity_type(),
            resource: resource.name().to_owned(),
            policies: policies.into_iter().map(str::to_owned).collect(),
            peer: String::new(),
            request_id: String::new(),
            trace_id: [0; 16],
            hashes: Vec::new(),
            details: Vec::new(),
            urgent: URGENT.iter().any(|word| verb.starts_with(word)),
        }
    }

    /// Where it came from.
    #[must_use]
    pub fn from_peer(mut self, peer: &str) -> Self {
        peer.clone_into(&mut self.peer);
        self
    }

    /// The ids of the request and of its trace.
    #[must_use]
    pub fn with_request(mut self, id: Option<&str>, trace_id: [u8; 16]) -> Self {
        id.unwrap_or_default().clone_into(&mut self.request_id);
        self.trace_id = trace_id;
        self
    }

    /// Who asked, where only the request itself proved that.
    #[must_use]
    pub fn asked_by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    /// The keyed hash of a secret value, made by [`super::SecretHasher`].
    #[must_use]
    pub fn with_hash(mut self, name: &str, hash: [u8; 32]) -> Self {
        self.hashes.push((name.to_owned(), hash));
        self
    }

    /// One more fact. Short, and never secret.
    #[must_use]
    pub fn with_detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// A retry that gets what the first try did.
    #[must_use]
    pub fn replayed(self) -> Self {
        self.with_detail("replayed", "true")
    }

    /// Lets the record use the reserve when the disk is full. RPCs that revoke, seal or suspend may already.
    #[must_use]
    pub fn urgent(mut self) -> Self {
        self.urgent = true;
        self
    }

    /// The row of the request.
    #[must_use]
    pub fn method(&self) -> &'static Method {
        self.method
    }

    pub(super) fn priority(&self) -> Priority {
        if self.urgent { Priority::Urgent } else { Priority::Normal }
    }

    /// The record in its binary form. When it has more policies and hashes than fit, the first of them and how many more
    /// there were: a request must not become impossible because it is about many things.
    pub(super) fn encode(
        &self,
        phase: Phase,
        decision: Decision,
        intent: Option<u64>,
        result: Option<&Result<(), Failure>>,
        time: Timestamp,
    ) -> Result<Vec<u8>, RecordError> {
        let mut body = Vec::with_capacity(512);
        let mut written = Err(RecordError::TooLarge("record"));
        for most in [MAX_ITEMS, MAX_ITEMS / 4, MAX_ITEMS / 16] {
            written = self.write(phase, decision, intent, result, time, most, &mut body);
            if written.is_ok() {
                break;
            }
        }
        written.map(|()| body)
    }

    #[expect(clippy::too_many_arguments, reason = "each is one field of the record")]
    fn write(
        &self,
        phase: Phase,
        decision: Decision,
        intent: Option<u64>,
        result: Option<&Result<(), Failure>>,
        time: Timestamp,
        most: usize,
        body: &mut Vec<u8>,
    ) -> Result<(), RecordError> {
        let outcome = result.map(|result| match result {
            Ok(()) => Outcome::default(),
            Err(failure) => Outcome { code: failure.code, reason: &failure.reason },
        });
        let mut details: Vec<_> = self.details.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let omitted = [("policies_omitted", self.policies.len()), ("hashes_omitted", self.hashes.len())]
            .map(|(name, len)| (name, len.saturating_sub(most).to_string()));
        details.extend(omitted.iter().filter(|(_, count)| count != "0").map(|(name, count)| (*name, count.as_str())));
        let record = Record {
            sequence: 0,
            time,
            phase,
            decision,
            tenant: self.who.tenant.0,
            trace_id: self.trace_id,
            token: self.who.token.unwrap_or_default(),
            intent: intent.map_or(0, |sequence| sequence + 1),
            request_id: &self.request_id,
            method: self.method.rpc,
            principal: Principal {
                issuer_kind: self.who.issuer_kind,
                issuer_name: &self.who.issuer_name,
                subject: &self.who.subject,
            },
            role: &self.who.role,
            peer: &self.peer,
            resource_kind: self.resource_kind,
            resource: &self.resource,
            outcome,
            policies: self.policies.iter().map(String::as_str).take(most).collect(),
            hashes: self.hashes.iter().map(|(name, hash)| (name.as_str(), *hash)).take(most).collect(),
            details,
        };
        record.encode(body)
    }
}
