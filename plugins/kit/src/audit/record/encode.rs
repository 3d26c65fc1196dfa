//! Writing a record.

use super::{Decision, MAX_ITEMS, MAX_RECORD_BYTES, Phase, Record, RecordError, VERSION};

impl Record<'_> {
    /// Appends the binary form to `out`.
    ///
    /// # Errors
    /// [`RecordError::TooLarge`]; `out` is then as it was.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let start = out.len();
        let written = self.write(out).and_then(|()| {
            if out.len() - start > MAX_RECORD_BYTES { Err(RecordError::TooLarge("record")) } else { Ok(()) }
        });
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.push(VERSION);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.time.millis().to_be_bytes());
        out.push(match self.phase {
            Phase::Complete => 0,
            Phase::Intent => 1,
            Phase::Outcome => 2,
            Phase::System => 3,
        });
        out.push(match self.decision {
            Decision::None => 0,
            Decision::Allowed => 1,
            Decision::Denied => 2,
        });
        out.extend_from_slice(&self.tenant);
        out.extend_from_slice(&self.trace_id);
        out.extend_from_slice(&self.token);
        out.extend_from_slice(&self.intent.to_be_bytes());
        let who = &self.principal;
        text(out, self.request_id, "request id")?;
        text(out, self.method, "method")?;
        text(out, who.issuer_kind, "issuer kind")?;
        text(out, who.issuer_name, "issuer name")?;
        text(out, who.subject, "subject")?;
        text(out, self.role, "role")?;
        text(out, self.peer, "peer")?;
        text(out, self.resource_kind, "resource kind")?;
        text(out, self.resource, "resource")?;
        match &self.outcome {
            None => out.push(0),
            Some(outcome) => {
                out.extend_from_slice(&[1, outcome.code]);
                text(out, outcome.reason, "reason")?;
            }
        }
        count(out, self.policies.len(), "policies")?;
        self.policies.iter().try_for_each(|policy| text(out, policy, "policy"))?;
        count(out, self.hashes.len(), "hashes")?;
        for (name, hash) in &self.hashes {
            text(out, name, "hash")?;
            out.extend_from_slice(hash);
        }
        count(out, self.details.len(), "details")?;
        for (name, value) in &self.details {
            text(out, name, "detail")?;
            text(out, value, "detail")?;
        }
        Ok(())
    }
}

/// Writes the place in the log into an encoded record: known only when its turn comes.
pub fn set_sequence(body: &mut [u8], sequence: u64) {
    if let Some(place) = body.get_mut(1..9) {
        place.copy_from_slice(&sequence.to_be_bytes());
    }
}

fn text(out: &mut Vec<u8>, text: &str, field: &'static str) -> Result<(), RecordError> {
    let len = u16::try_from(text.len()).map_err(|_| RecordError::TooLarge(field))?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn count(out: &mut Vec<u8>, count: usize, field: &'static str) -> Result<(), RecordError> {
    let byte = u8::try_from(count).ok().filter(|_| count <= MAX_ITEMS).ok_or(RecordError::TooLarge(field))?;
    out.push(byte);
    Ok(())
}
