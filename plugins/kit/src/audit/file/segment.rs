//! The form of a log file: a header, then frames.
//!
//! ```text
//! header: "KWAUDIT1" | length u32 | origin, number, first sequence, time, hash before, edge of the tree | check 8 B
//! frame:  length of the record u32 | hash of the frame before 32 B | record | check 8 B
//! ```
//! A frame's hash is the Merkle leaf over "hash before and record"; the check is its first 8 bytes, so that a torn write is
//! told from a change. A length of zero ends the file: what follows is space that was reserved ahead.

use keyward_sdk::{crypto::digest::sha256, time::Timestamp};

use crate::audit::{
    record::MAX_RECORD_BYTES,
    tree::{Hash, Tree, leaf_hash},
};

const MAGIC: &[u8; 8] = b"KWAUDIT1";
const MAX_HEADER_BYTES: usize = 4096;
/// What a frame adds to its record.
pub(crate) const FRAME_BYTES: usize = 4 + 32 + 8;
/// The most bytes of a frame.
pub(crate) const MAX_FRAME_BYTES: usize = FRAME_BYTES + MAX_RECORD_BYTES;

/// Where a log stands: all that the next record needs to know of those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The hash of the last frame; of the origin when there is none.
    pub(crate) prev: Hash,
    /// The tree over all frames.
    pub(crate) tree: Tree,
}

impl Chain {
    /// The beginning of the log of that name.
    pub(crate) fn begin(origin: &str) -> Self {
        Self { prev: leaf_hash(b"keyward audit log\n", origin.as_bytes()), tree: Tree::new() }
    }

    /// Adds a record to the chain and its frame to `out`.
    pub(crate) fn push(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let leaf = leaf_hash(&self.prev, body);
        out.extend_from_slice(&(body.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.prev);
        out.extend_from_slice(body);
        out.extend_from_slice(check(&leaf));
        self.follow(leaf);
    }

    /// Takes over a frame that was read.
    pub(crate) fn follow(&mut self, leaf: Hash) {
        self.prev = leaf;
        self.tree.push(leaf);
    }
}

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) origin: String,
    pub(crate) number: u32,
    pub(crate) time: Timestamp,
    pub(crate) chain: Chain,
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(256);
        body.extend_from_slice(&(self.origin.len() as u16).to_be_bytes());
        body.extend_from_slice(self.origin.as_bytes());
        body.extend_from_slice(&self.number.to_be_bytes());
        body.extend_from_slice(&self.chain.tree.size().to_be_bytes());
        body.extend_from_slice(&self.time.millis().to_be_bytes());
        body.extend_from_slice(&self.chain.prev);
        self.chain.tree.edge().iter().for_each(|hash| body.extend_from_slice(hash));
        let digest = sha256(&body);
        [MAGIC, (body.len() as u32).to_be_bytes().as_slice(), &body, check(&digest)].concat()
    }

    /// The header at the beginning of `bytes`, and its length. None when there is no whole, unchanged header.
    pub(crate) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let len = usize::try_from(u32::from_be_bytes(*len)).ok().filter(|len| *len <= MAX_HEADER_BYTES)?;
        let (body, rest) = rest.split_at_checked(len)?;
        if rest.get(..8)? != check(&sha256(body)) {
            return None;
        }
        let (origin_len, body) = body.split_first_chunk::<2>()?;
        let (origin, body) = body.split_at_checked(u16::from_be_bytes(*origin_len).into())?;
        let (number, body) = body.split_first_chunk::<4>()?;
        let (size, body) = body.split_first_chunk::<8>()?;
        let (time, body) = body.split_first_chunk::<8>()?;
        let (prev, body) = body.split_first_chunk::<32>()?;
        let (edge, odd) = body.as_chunks::<32>();
        let tree = Tree::from_edge(u64::from_be_bytes(*size), edge.to_vec()).filter(|_| odd.is_empty())?;
        let header = Self {
            origin: std::str::from_utf8(origin).ok()?.to_owned(),
            number: u32::from_be_bytes(*number),
            time: Timestamp::from_millis(u64::from_be_bytes(*time)),
            chain: Chain { prev: *prev, tree },
        };
        Some((header, MAGIC.len() + 4 + len + 8))
    }
}

/// A frame as it stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) prev: Hash,
    pub(crate) body: &'a [u8],
    pub(crate) leaf: Hash,
}

/// What stands at a place where a frame may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// A whole frame, unchanged in itself.
    Frame(Frame<'a>),
    /// Not a whole frame, or a changed one.
    Bad,
    /// Nothing: the bytes end, or only zeros begin.
    End,
    /// The bytes end within the frame; with so many it may be whole.
    More(usize),
}

/// Reads what stands at the beginning of `bytes`.
pub(crate) fn next(bytes: &[u8]) -> Next<'_> {
    let Some((len, rest)) = bytes.split_first_chunk::<4>() else {
        return if bytes.iter().all(|byte| *byte == 0) { Next::End } else { Next::More(4) };
    };
    let len = u32::from_be_bytes(*len) as usize;
    match len {
        0 => return Next::End,
        len if len > MAX_RECORD_BYTES => return Next::Bad,
        _ => {}
    }
    let frame = rest.split_first_chunk::<32>().and_then(|(prev, rest)| {
        let (body, rest) = rest.split_at_checked(len)?;
        Some((*prev, body, rest.get(..8)?))
    });
    let Some((prev, body, found)) = frame else { return Next::More(FRAME_BYTES + len) };
    let leaf = leaf_hash(&prev, body);
    if found == check(&leaf) { Next::Frame(Frame { prev, body, leaf }) } else { Next::Bad }
}

fn check(hash: &Hash) -> &[u8] {
    hash.first_chunk::<8>().map_or(&[], |first| first.as_slice())
}

/// The name of a log file.
pub(crate) fn file_name(epoch: u64, number: u32) -> String {
    format!("audit-{epoch}-{number:06}.kwa")
}

/// The epoch and number in the name of a log file.
pub(crate) fn parse_name(name: &str) -> Option<(u64, u32)> {
    let (epoch, number) = name.strip_prefix("audit-")?.strip_suffix(".kwa")?.split_once('-')?;
    let parsed = (epoch.parse().ok()?, number.parse().ok()?);
    (file_name(parsed.0, parsed.1) == name).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let mut chain = Chain::begin("i/r/5");
        (0..11u8).for_each(|n| chain.push(&[n; 20], &mut Vec::new()));
        Header { origin: "i/r/5".to_owned(), number: 3, time: Timestamp::from_millis(77), chain }
    }

    #[test]
    fn a_header_reads_as_it_was_written_and_not_when_changed() {
        let bytes = header().encode();
        assert_eq!(Header::parse(&bytes), Some((header(), bytes.len())));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(Header::parse(&changed), None, "{at}");
            assert_eq!(Header::parse(&bytes[..at]), None, "{at}");
        }
    }

    #[test]
    fn a_frame_reads_as_it_was_written_and_not_when_changed() {
        let mut bytes = Vec::new();
        let mut chain = header().chain;
        let before = chain.prev;
        chain.push(b"record", &mut bytes);
        let Next::Frame(frame) = next(&bytes) else { panic!("no frame") };
        assert_eq!((frame.prev, frame.body, frame.leaf), (before, b"record".as_slice(), chain.prev));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(!matches!(next(&changed), Next::Frame(_)), "{at}");
            assert!(!matches!(next(&bytes[..at]), Next::Frame(_)), "{at}");
        }
        assert_eq!(next(&[0; 40]), Next::End);
    }

    #[test]
    fn names_of_files_are_read_back_and_others_passed_over() {
        assert_eq!(parse_name(&file_name(17, 4)), Some((17, 4)));
        for other in ["audit-17-4.kwa", "audit-17-000004.kwa~", "audit--000004.kwa", "audit-017-000004.kwa", "x"] {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }
}
