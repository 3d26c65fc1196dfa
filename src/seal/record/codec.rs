//! Bytes to record and back.

use keyward_sdk::crypto::CryptoError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Body, MAX_RECORD, SealRecord, octets};

/// The format that is written.
const FORMAT: u16 = 1;
/// The record nests six levels; more is nothing of ours.
const DEPTH: usize = 16;

/// Why bytes are no seal record, or a record cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A part is not as a record has it.
    #[error("seal record: {0}")]
    Content(String),
    /// The cryptographic library refused.
    #[error("seal record: {0}")]
    Crypto(#[from] CryptoError),
    /// Not CBOR, or not of this shape.
    #[error("seal record cannot be read: {0}; restore it from a backup with `keyward backup restore`")]
    Damaged(String),
    /// Written by a newer version of Keyward.
    #[error("seal record has the format {0}, this version reads up to {FORMAT}: start the version that wrote it")]
    Format(u16),
    /// Longer than any record.
    #[error("seal record has {0} bytes, at most {MAX_RECORD} are allowed")]
    TooLong(usize),
}

#[derive(Deserialize)]
struct Head {
    format: u16,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u16,
    body: &'a Body,
    #[serde(with = "octets")]
    mac: &'a [u8],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[expect(dead_code, reason = "read before, as `Head`; named here so that it is not an unknown field")]
    format: u16,
    body: Body,
    #[serde(with = "octets")]
    mac: [u8; 32],
}

impl SealRecord {
    /// Reads a record. It is not believed yet: [`SealRecord::verify`] needs the root.
    ///
    /// # Errors
    /// [`RecordError`] for anything that [`Self::encode`] would not have written.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAX_RECORD {
            return Err(RecordError::TooLong(bytes.len()));
        }
        let Head { format } = read(bytes)?;
        if format != FORMAT {
            return Err(RecordError::Format(format));
        }
        let Read { body, mac, .. } = read(bytes)?;
        body.check()?;
        let record = Self { body, mac };
        // One spelling a record, so that whoever compares bytes compares records.
        if record.encode()? != bytes {
            return Err(RecordError::Damaged("it is not written as Keyward writes it".to_owned()));
        }
        Ok(record)
    }

    /// The record's bytes.
    ///
    /// # Errors
    /// [`RecordError::TooLong`] past [`MAX_RECORD`].
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let bytes = written(&Written { format: FORMAT, body: &self.body, mac: &self.mac })?;
        if bytes.len() > MAX_RECORD { Err(RecordError::TooLong(bytes.len())) } else { Ok(bytes) }
    }
}

/// What the MAC covers: everything else, the format included.
pub(super) fn mac_input(body: &Body) -> Result<Vec<u8>, RecordError> {
    written(&Written { format: FORMAT, body, mac: &[] })
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordError> {
    // The library's own words may quote the input, so only the place is told.
    ciborium::de::from_reader_with_recursion_limit(bytes, DEPTH).map_err(|error| {
        RecordError::Damaged(match error {
            ciborium::de::Error::Io(_) => "it is cut off".to_owned(),
            ciborium::de::Error::Syntax(at) | ciborium::de::Error::Semantic(Some(at), _) => format!("at byte {at}"),
            ciborium::de::Error::Semantic(None, _) => "a part is not as it should be".to_owned(),
            ciborium::de::Error::RecursionLimitExceeded => "it is nested too deep".to_owned(),
        })
    })
}

fn written<T: Serialize>(value: &T) -> Result<Vec<u8>, RecordError> {
    let mut bytes = Vec::with_capacity(4096);
    ciborium::into_writer(value, &mut bytes).map_err(|error| RecordError::Damaged(error.to_string()))?;
    Ok(bytes)
}
