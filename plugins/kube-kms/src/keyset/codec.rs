//! A keyset as bytes, before it is sealed for the disk. Numbers are big-endian:
//!
//! ```text
//! format u8 = 1 | tenant 16 | cluster 16 | key 16 | generation u64 | mode u8 | primary u32 | next u32 | next at u64 (ms)
//! offline max u64 (ms) | offline writes max u64 | count u16 | a version: number u32 | random 8 | state u8 | has key u8 | key 32
//! ```

use std::{sync::Arc, time::Duration};

use keyward_kit::cluster::{ClusterId, ClusterKeyId, SeedPlace};
use keyward_sdk::{
    secret::{Key32, Secret, SecretError},
    time::Timestamp,
};

use super::{ClusterKey, Keyset, KeysetError, Limits, Mode, Version, VersionState};

/// More versions than this a keyset never has.
pub const MAX_VERSIONS: usize = 1_000;

const FORMAT: u8 = 1;
const ENDLESS: u64 = u64::MAX;

/// Why bytes are no keyset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Cut off, or with more at the end.
    #[error("keyset is not complete")]
    Length,
    /// A newer version of the program wrote it.
    #[error("keyset has the unknown format {0}; a newer version wrote it")]
    Format(u8),
    /// A value that means nothing.
    #[error("keyset holds a value that means nothing")]
    Value,
    /// It contradicts itself.
    #[error(transparent)]
    Keyset(#[from] KeysetError),
}

fn millis(limit: Option<Duration>) -> u64 {
    limit.map_or(ENDLESS, |limit| u64::try_from(limit.as_millis()).unwrap_or(ENDLESS))
}

/// Writes a keyset.
///
/// # Errors
/// Never for a keyset that was checked.
pub fn encode(keyset: &Keyset) -> Result<Secret, SecretError> {
    let len = 1 + 48 + 8 + 1 + 4 + 4 + 8 + 8 + 8 + 2 + keyset.versions.len() * 46;
    let (next, at) = keyset.next.map_or((0, 0), |(next, at)| (next, at.millis()));
    Secret::init_with(len, |out| {
        let mut rest = out;
        let mut put = |bytes: &[u8]| {
            let taken = std::mem::take(&mut rest);
            let (here, after) = taken.split_at_mut_checked(bytes.len())?;
            here.copy_from_slice(bytes);
            rest = after;
            Some(())
        };
        let mut write = || {
            put(&[FORMAT])?;
            put(&keyset.place.tenant)?;
            put(keyset.place.cluster.as_bytes())?;
            put(keyset.place.key.as_bytes())?;
            put(&keyset.generation.to_be_bytes())?;
            put(&[if keyset.mode == Mode::Local { 1 } else { 2 }])?;
            put(&keyset.primary.to_be_bytes())?;
            put(&next.to_be_bytes())?;
            put(&at.to_be_bytes())?;
            put(&millis(keyset.limits.offline_max).to_be_bytes())?;
            put(&millis(keyset.limits.offline_writes_max).to_be_bytes())?;
            put(&u16::try_from(keyset.versions.len()).ok()?.to_be_bytes())?;
            for version in &keyset.versions {
                put(&version.version.to_be_bytes())?;
                put(&version.random)?;
                let state = match version.state {
                    VersionState::Enabled => 1,
                    VersionState::DecryptOnly => 2,
                    VersionState::Disabled => 3,
                };
                put(&[state, u8::from(version.material.is_some())])?;
                put(version.material.as_ref().map_or(&[0; 32], |key| key.expose()))?;
            }
            Some(())
        };
        write().map(|()| len).ok_or(SecretError::Length { got: keyset.versions.len(), want: MAX_VERSIONS })
    })
}

/// Reads a keyset. Takes exactly what [`encode`] writes.
///
/// # Errors
/// [`CodecError`] for anything else.
pub fn decode(bytes: &[u8]) -> Result<Keyset, CodecError> {
    let mut input = Input(bytes);
    let format = input.array::<1>()?[0];
    if format != FORMAT {
        return Err(CodecError::Format(format));
    }
    let place = SeedPlace {
        tenant: input.array()?,
        cluster: ClusterId::from_bytes(input.array()?),
        key: ClusterKeyId::from_bytes(input.array()?),
    };
    let generation = input.u64()?;
    let mode = match input.array()? {
        [1] => Mode::Local,
        [2] => Mode::Remote,
        _ => return Err(CodecError::Value),
    };
    let primary = input.u32()?;
    let next = match (input.u32()?, input.u64()?) {
        (0, 0) => None,
        (0, _) => return Err(CodecError::Value),
        (next, at) => Some((next, Timestamp::from_millis(at))),
    };
    let limits = Limits { offline_max: input.limit()?, offline_writes_max: input.limit()? };
    let count = usize::from(u16::from_be_bytes(input.array()?));
    if count > MAX_VERSIONS {
        return Err(KeysetError::Count(count).into());
    }
    let versions = (0..count).map(|_| input.version()).collect::<Result<_, _>>()?;
    if !input.0.is_empty() {
        return Err(CodecError::Length);
    }
    Ok(Keyset { place, generation, mode, primary, next, limits, versions }.check()?)
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (here, rest) = self.0.split_first_chunk::<N>().ok_or(CodecError::Length)?;
        self.0 = rest;
        Ok(*here)
    }

    fn u32(&mut self) -> Result<u32, CodecError> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, CodecError> {
        self.array().map(u64::from_be_bytes)
    }

    fn limit(&mut self) -> Result<Option<Duration>, CodecError> {
        let millis = self.u64()?;
        Ok((millis != ENDLESS).then(|| Duration::from_millis(millis)))
    }

    fn version(&mut self) -> Result<Arc<Version>, CodecError> {
        let (version, random) = (self.u32()?, self.array()?);
        let [state, has] = self.array()?;
        let state = match state {
            1 => VersionState::Enabled,
            2 => VersionState::DecryptOnly,
            3 => VersionState::Disabled,
            _ => return Err(CodecError::Value),
        };
        // Copied straight into the key's own memory; the array on the stack is never made.
        let (key, rest) = self.0.split_first_chunk::<32>().ok_or(CodecError::Length)?;
        self.0 = rest;
        let material = match has {
            0 if key.iter().all(|byte| *byte == 0) => None,
            1 => Some(ClusterKey::new(Key32::copy_of(key))),
            _ => return Err(CodecError::Value),
        };
        Ok(Arc::new(Version { version, random, state, material }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::tests::keyset, *};

    #[test]
    fn a_keyset_reads_back_as_it_was_written() {
        for mode in [Mode::Local, Mode::Remote] {
            let next = Some((2, Timestamp::from_millis(77)));
            let written = Keyset { next, ..keyset(mode, 42, 3) };
            let bytes = encode(&written).unwrap();
            let read = decode(bytes.expose()).unwrap();
            assert_eq!(encode(&read).unwrap().expose(), bytes.expose());
            assert_eq!((read.generation, read.next, read.limits), (42, next, written.limits));
        }
    }

    #[test]
    fn a_cut_keyset_is_refused() {
        let bytes = encode(&keyset(Mode::Local, 1, 2)).unwrap();
        for len in 0..bytes.len() {
            assert!(decode(&bytes.expose()[..len]).is_err(), "{len}");
        }
        assert!(decode(&[bytes.expose(), &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(keyset) = decode(&bytes) {
                let again = encode(&keyset).unwrap();
                prop_assert_eq!(again.expose(), &bytes[..]);
            }
        }
    }
}
