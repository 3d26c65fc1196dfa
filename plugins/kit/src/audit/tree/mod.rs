//! The Merkle tree over the log (RFC 6962, the same as C2SP tlog). Only the right edge is kept: at most 64 hashes, however
//! long the log. Proofs read the leaves again ([`proof`]).

mod growth;
pub mod proof;
#[cfg(test)]
mod tests;

use keyward_sdk::crypto::digest::sha256_parts;

pub use self::growth::Growth;

/// A SHA-256 digest: of a leaf, of a node, or of the whole tree.
pub type Hash = [u8; 32];

/// The hash of a leaf that is the parts one after another.
#[must_use]
pub fn leaf_hash(first: &[u8], second: &[u8]) -> Hash {
    sha256_parts(&[&[0], first, second])
}

/// The hash of a node above two others.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256_parts(&[&[1], left, right])
}

/// A tree that grows at its right edge.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tree {
    size: u64,
    /// The roots of the full subtrees, the largest first: one for each bit that is set in `size`.
    edge: Vec<Hash>,
}

impl Tree {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree known by its edge only.
    #[must_use]
    pub fn from_edge(size: u64, edge: Vec<Hash>) -> Option<Self> {
        (edge.len() == size.count_ones() as usize).then_some(Self { size, edge })
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the full subtrees, the largest first.
    #[must_use]
    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Adds a full subtree of 2^`level` leaves, of which the size is a multiple.
    fn push_subtree(&mut self, level: u32, root: Hash) {
        let mut hash = root;
        let merges = (self.size >> level).trailing_ones();
        for _ in 0..merges {
            let Some(left) = self.edge.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        self.edge.push(hash);
        self.size += 1 << level;
    }

    /// The hash over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut subtrees = self.edge.iter().rev().copied();
        match subtrees.next() {
            None => sha256_parts(&[]),
            Some(last) => subtrees.fold(last, |right, left| node_hash(&left, &right)),
        }
    }
}
