//! Proofs that a record is in the log, and that a longer log begins with a shorter one (RFC 9162 section 2.1).
//!
//! A proof is the hashes of some ranges of leaves. Which ones follows from the sizes alone, so whoever makes a proof reads
//! the leaves once, from the first on, and keeps next to nothing.

use std::ops::Range;

use super::{Hash, Tree, node_hash};

/// The ranges whose hashes prove that leaf `index` is in the tree of `size` leaves, in the order of the proof.
#[must_use]
pub fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut tree = 0..size;
    if index >= size {
        return ranges;
    }
    while tree.end - tree.start > 1 {
        let middle = split(&tree);
        let (keep, prove) = if index < middle {
            (tree.start..middle, middle..tree.end)
        } else {
            (middle..tree.end, tree.start..middle)
        };
        ranges.push(prove);
        tree = keep;
    }
    ranges.reverse();
    ranges
}

/// The ranges whose hashes prove that the tree of `new` leaves begins with the tree of `old`, in the order of the proof.
#[must_use]
pub fn consistency_ranges(old: u64, new: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    if old == 0 || old >= new {
        return ranges;
    }
    let mut tree = 0..new;
    let mut whole = true; // whether `tree` so far begins where the old tree does
    while old != tree.end {
        let middle = split(&tree);
        if old <= middle {
            ranges.push(middle..tree.end);
            tree = tree.start..middle;
        } else {
            ranges.push(tree.start..middle);
            tree = middle..tree.end;
            whole = false;
        }
    }
    if !whole {
        ranges.push(tree);
    }
    ranges.reverse();
    ranges
}

/// The hashes of `ranges`, from the leaf hashes of the log in order. Less than asked for if the leaves end too soon.
pub fn hash_ranges(ranges: &[Range<u64>], leaves: impl Iterator<Item = Hash>) -> Vec<Hash> {
    let mut trees: Vec<Tree> = ranges.iter().map(|_| Tree::new()).collect();
    for (index, leaf) in (0u64..).zip(leaves) {
        // Ranges never overlap, so a leaf is in one of them at most.
        let found = ranges.iter().zip(&mut trees).find(|(range, _)| range.contains(&index));
        if let Some((_, tree)) = found {
            tree.push(leaf);
        }
    }
    let complete = ranges.iter().zip(&trees).take_while(|(range, tree)| range.end - range.start == tree.size());
    complete.map(|(_, tree)| tree.root()).collect()
}

/// Whether `proof` shows that `leaf` is number `index` in the tree of `size` leaves with this root.
#[must_use]
pub fn includes(proof: &[Hash], index: u64, size: u64, leaf: Hash, root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree (`new_size`, `new_root`) begins with the tree (`old_size`, `old_root`).
#[must_use]
pub fn consistent(proof: &[Hash], old_size: u64, old_root: &Hash, new_size: u64, new_root: &Hash) -> bool {
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty();
    }
    if old_size > new_size {
        return false;
    }
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let mut hashes = proof.iter().copied();
    let seed = if old_size.is_power_of_two() { Some(*old_root) } else { hashes.next() };
    let Some(seed) = seed else { return false };
    let (mut old, mut new) = (seed, seed);
    for sibling in hashes {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(&sibling, &old);
            new = node_hash(&sibling, &new);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new = node_hash(&new, &sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && old == *old_root && new == *new_root
}

/// Where the left subtree ends: the largest power of two below the length.
fn split(tree: &Range<u64>) -> u64 {
    let len = tree.end - tree.start;
    let half = len.next_power_of_two() / 2;
    tree.start + half
}
