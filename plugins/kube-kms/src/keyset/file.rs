//! The keyset file: which protectors can open it, and the sealed keyset. Numbers are big-endian:
//!
//! ```text
//! "KWKS" | format u8 = 1 | count u8 | a protector: kind (u8 length) | key (u16 length) | wrapped data key (u32 length)
//! sealed keyset (u32 length) | SHA-256 of all before
//! ```
//!
//! The hash finds damage before any protector is asked; against a forger there is the seal itself.

use keyward_sdk::{crypto::digest::sha256, wrapper::Wrapped};

const MAGIC: &[u8; 4] = b"KWKS";
const FORMAT: u8 = 1;
const HASH: usize = 32;
/// At most so many protectors.
const MAX_PROTECTORS: usize = 8;
/// No keyset file is larger.
pub(super) const MAX_FILE: usize = 2 << 20;
const MAX_SEALED: usize = 64 << 10;

/// What lies in a keyset file.
#[derive(Debug, PartialEq, Eq)]
pub struct KeysetFile {
    /// The data key, wrapped by each protector; any one opens it.
    pub protectors: Vec<Wrapped>,
    /// The keyset, sealed under the data key.
    pub sealed: Vec<u8>,
}

/// Why bytes are no keyset file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysetFileError {
    /// The hash does not fit: cut, emptied or changed.
    #[error("keyset file is damaged")]
    Damaged,
    /// A newer version of the program wrote it.
    #[error("keyset file has the unknown format {0}; a newer version of keyward-kube-kms wrote it")]
    Format(u8),
    /// Not a keyset file at all.
    #[error("not a keyset file")]
    Foreign,
}

impl KeysetFile {
    /// The file's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let protectors = self.protectors.get(..MAX_PROTECTORS).unwrap_or(&self.protectors);
        out.extend_from_slice(&[FORMAT, protectors.len() as u8]); // at most 8
        for wrapped in protectors {
            // Wrapped has limits of its own: kind 32, key 2,048, blob 128 KiB.
            out.push(wrapped.kind().len() as u8);
            out.extend_from_slice(wrapped.kind().as_bytes());
            out.extend_from_slice(&(wrapped.key().len() as u16).to_be_bytes());
            out.extend_from_slice(wrapped.key().as_bytes());
            out.extend_from_slice(&(wrapped.blob().len() as u32).to_be_bytes());
            out.extend_from_slice(wrapped.blob());
        }
        out.extend_from_slice(&(self.sealed.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.sealed);
        let hash = sha256(&out);
        out.extend_from_slice(&hash);
        out
    }
}

/// Reads a keyset file.
///
/// # Errors
/// [`KeysetFileError`] for anything that is not one, whole.
pub fn parse_keyset_file(bytes: &[u8]) -> Result<KeysetFile, KeysetFileError> {
    let damaged = KeysetFileError::Damaged;
    if bytes.is_empty() {
        return Err(damaged); // emptied, as a full disk leaves it
    }
    let magic = bytes.get(..MAGIC.len()).ok_or(damaged)?;
    if magic != MAGIC {
        return Err(KeysetFileError::Foreign);
    }
    let (body, hash) = bytes.split_last_chunk::<HASH>().ok_or(damaged)?;
    if bytes.len() > MAX_FILE || sha256(body) != *hash {
        return Err(damaged);
    }
    let mut rest = body.get(MAGIC.len()..).ok_or(damaged)?;
    let format = take::<1>(&mut rest).ok_or(damaged)?[0];
    if format != FORMAT {
        return Err(KeysetFileError::Format(format));
    }
    read(rest).ok_or(damaged)
}

fn read(mut rest: &[u8]) -> Option<KeysetFile> {
    let [count] = take::<1>(&mut rest)?;
    if usize::from(count) > MAX_PROTECTORS {
        return None;
    }
    let mut protectors = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let [len] = take::<1>(&mut rest)?;
        let kind = std::str::from_utf8(bytes(&mut rest, usize::from(len))?).ok()?;
        let len = u16::from_be_bytes(take(&mut rest)?);
        let key = std::str::from_utf8(bytes(&mut rest, usize::from(len))?).ok()?;
        let len = u32::from_be_bytes(take(&mut rest)?);
        let blob = bytes(&mut rest, usize::try_from(len).ok()?)?.to_vec();
        protectors.push(Wrapped::new(kind, key, blob).ok()?);
    }
    let len = usize::try_from(u32::from_be_bytes(take(&mut rest)?)).ok()?;
    let sealed = bytes(&mut rest, len)?.to_vec();
    (rest.is_empty() && sealed.len() <= MAX_SEALED).then_some(KeysetFile { protectors, sealed })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (here, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*here)
}

fn bytes<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (here, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(here)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> KeysetFile {
        let protectors = vec![
            Wrapped::new("key-file", "/var/lib/x", vec![1; 60]).unwrap(),
            Wrapped::new("tpm", "0x81000001", vec![2; 300]).unwrap(),
        ];
        KeysetFile { protectors, sealed: vec![3; 200] }
    }

    #[test]
    fn a_keyset_file_reads_back_as_it_was_written() {
        assert_eq!(parse_keyset_file(&sample().encode()), Ok(sample()));
    }

    #[test]
    fn a_cut_emptied_or_flipped_file_is_refused() {
        let good = sample().encode();
        for len in 0..good.len() {
            assert!(parse_keyset_file(&good[..len]).is_err(), "{len}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(parse_keyset_file(&bad).is_err(), "{at}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), shape: bool) {
            if shape {
                // Past the magic and the hash, where the real parsing begins.
                bytes.splice(0..0, [b'K', b'W', b'K', b'S', 1]);
                let hash = sha256(&bytes);
                bytes.extend_from_slice(&hash);
            }
            if let Ok(file) = parse_keyset_file(&bytes) {
                prop_assert_eq!(file.encode(), bytes);
            }
        }
    }
}
