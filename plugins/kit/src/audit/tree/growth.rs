//! What a tree grew by from one size to another: the roots of the full subtrees that cover the leaves in between, from left
//! to right (a compact range). Whoever has the edge of the smaller tree makes that of the larger one from it. If the root
//! is then the one that was signed, the larger log begins with the smaller one; no other proof is needed.

use super::{Hash, Tree, node_hash};

/// The leaves from one size on, without the leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    from: u64,
    to: u64,
    hashes: Vec<Hash>,
}

impl Growth {
    /// Nothing yet, of a tree of this size.
    #[must_use]
    pub fn new(from: u64) -> Self {
        Self { from, to: from, hashes: Vec::new() }
    }

    /// The size that is reached.
    #[must_use]
    pub fn to(&self) -> u64 {
        self.to
    }

    /// The roots of the subtrees, from left to right: at most 126.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Adds the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        let (mut start, mut level, mut hash) = (self.to, 0, leaf);
        // A subtree that begins in the middle of a larger one makes it full, unless that began before `from`.
        while level < u64::BITS && (start >> level) & 1 == 1 && start - (1 << level) >= self.from {
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(&left, &hash);
            start -= 1 << level;
            level += 1;
        }
        self.hashes.push(hash);
        self.to += 1;
    }
}

impl Tree {
    /// The tree of size `to` that begins with this one; none where these are not the subtrees in between.
    #[must_use]
    pub fn grown(&self, to: u64, hashes: &[Hash]) -> Option<Self> {
        let mut tree = self.clone();
        let mut hashes = hashes.iter();
        while let Some(missing) = to.checked_sub(tree.size).filter(|missing| *missing > 0) {
            // As large as the place where it begins and what is missing allow.
            let level = tree.size.trailing_zeros().min(missing.ilog2());
            tree.push_subtree(level, *hashes.next()?);
        }
        (tree.size == to && hashes.next().is_none()).then_some(tree)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaf(n: u64) -> Hash {
        super::super::leaf_hash(&n.to_be_bytes(), b"x")
    }

    fn tree(size: u64) -> Tree {
        let mut tree = Tree::new();
        (0..size).for_each(|n| tree.push(leaf(n)));
        tree
    }

    fn growth(from: u64, to: u64) -> Growth {
        let mut growth = Growth::new(from);
        (from..to).for_each(|n| growth.push(leaf(n)));
        growth
    }

    #[test]
    fn every_small_tree_grows_from_every_smaller_one() {
        for to in 0..70 {
            for from in 0..=to {
                let growth = growth(from, to);
                assert_eq!(growth.to(), to);
                assert_eq!(tree(from).grown(to, growth.hashes()), Some(tree(to)), "{from} to {to}");
            }
            assert_eq!(growth(0, to).hashes(), tree(to).edge());
        }
    }

    proptest! {
        #[test]
        fn from_another_beginning_or_over_other_leaves_another_root_is_reached(
            from in 1u64..300, more in 1u64..300, other in 0u64..600,
        ) {
            let to = from + more;
            let growth = growth(from, to);
            let mut changed = Tree::new();
            (0..from).for_each(|n| changed.push(if n == other % from { [9; 32] } else { leaf(n) }));
            prop_assert_ne!(changed.grown(to, growth.hashes()).unwrap().root(), tree(to).root());
            let mut hashes = growth.hashes().to_vec();
            let at = (other as usize) % hashes.len();
            hashes[at] = [9; 32];
            prop_assert_ne!(tree(from).grown(to, &hashes).unwrap().root(), tree(to).root());
        }

        #[test]
        fn what_is_too_short_too_long_or_too_small_is_refused(from in 0u64..99, more in 1u64..99) {
            let hashes = growth(from, from + more).hashes().to_vec();
            prop_assert_eq!(tree(from).grown(from + more, &hashes[1..]), None);
            prop_assert_eq!(tree(from).grown(from + more, &[&hashes[..], &[[0; 32]]].concat()), None);
            prop_assert_eq!(tree(from + more).grown(from, &[]), None);
            prop_assert_eq!(tree(from).grown(u64::MAX, &hashes), None);
        }
    }
}
