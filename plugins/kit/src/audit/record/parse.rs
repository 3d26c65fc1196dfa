//! Reading a record. Takes any bytes, never panics.

use keyward_sdk::time::Timestamp;

use super::{Decision, MAX_ITEMS, MAX_RECORD_BYTES, Outcome, Phase, Principal, Record, RecordError, VERSION};

impl<'a> Record<'a> {
    /// Reads the binary form.
    ///
    /// # Errors
    /// [`RecordError`] says which field is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(RecordError::TooLarge("record"));
        }
        let mut from = Reader(bytes);
        match from.byte("version")? {
            VERSION => {}
            newer => return Err(RecordError::Version(newer)),
        }
        let record = Self {
            sequence: from.number("sequence")?,
            time: Timestamp::from_millis(from.number("time")?),
            phase: match from.byte("phase")? {
                0 => Phase::Complete,
                1 => Phase::Intent,
                2 => Phase::Outcome,
                3 => Phase::System,
                _ => return Err(RecordError::Unknown("phase")),
            },
            decision: match from.byte("decision")? {
                0 => Decision::None,
                1 => Decision::Allowed,
                2 => Decision::Denied,
                _ => return Err(RecordError::Unknown("decision")),
            },
            tenant: from.array("tenant")?,
            trace_id: from.array("trace id")?,
            token: from.array("token")?,
            intent: from.number("intent")?,
            request_id: from.text("request id")?,
            method: from.text("method")?,
            principal: Principal {
                issuer_kind: from.text("issuer kind")?,
                issuer_name: from.text("issuer name")?,
                subject: from.text("subject")?,
            },
            role: from.text("role")?,
            peer: from.text("peer")?,
            resource_kind: from.text("resource kind")?,
            resource: from.text("resource")?,
            outcome: match from.byte("outcome")? {
                0 => None,
                1 => Some(Outcome { code: from.byte("outcome")?, reason: from.text("reason")? }),
                _ => return Err(RecordError::Unknown("outcome")),
            },
            policies: from.items("policies", |from| from.text("policy"))?,
            hashes: from.items("hashes", |from| Ok((from.text("hash")?, from.array("hash")?)))?,
            details: from.items("details", |from| Ok((from.text("detail")?, from.text("detail")?)))?,
        };
        if from.0.is_empty() { Ok(record) } else { Err(RecordError::Trailing) }
    }
}

/// The sequence in an encoded record, without reading the rest.
#[must_use]
pub fn sequence_of(body: &[u8]) -> Option<u64> {
    let bytes = body.get(1..9)?;
    (body.first() == Some(&VERSION)).then_some(())?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(RecordError::Short(field))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self, field: &'static str) -> Result<u8, RecordError> {
        self.take(1, field)?.first().copied().ok_or(RecordError::Short(field))
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], RecordError> {
        self.take(N, field)?.try_into().map_err(|_| RecordError::Short(field))
    }

    fn number(&mut self, field: &'static str) -> Result<u64, RecordError> {
        self.array(field).map(u64::from_be_bytes)
    }

    fn text(&mut self, field: &'static str) -> Result<&'a str, RecordError> {
        let len = u16::from_be_bytes(self.array(field)?);
        std::str::from_utf8(self.take(len.into(), field)?).map_err(|_| RecordError::Utf8(field))
    }

    fn items<T>(
        &mut self,
        field: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T, RecordError>,
    ) -> Result<Vec<T>, RecordError> {
        let count = usize::from(self.byte(field)?);
        if count > MAX_ITEMS {
            return Err(RecordError::TooLarge(field));
        }
        (0..count).map(|_| item(self)).collect()
    }
}
