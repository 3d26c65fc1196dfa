use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::{proof::*, *};

/// The leaves that the reference implementation of RFC 6962 tests with, and the roots that it gives.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes(), b"x")).collect()
}

fn root(leaves: &[Hash]) -> Hash {
    let mut tree = Tree::new();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    tree.root()
}

#[test]
fn roots_are_those_of_the_reference_implementation() {
    let mut tree = Tree::new();
    assert_eq!(HEXLOWER.encode(&tree.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        tree.push(leaf_hash(&HEXLOWER.decode(leaf.as_bytes()).unwrap(), b""));
        assert_eq!(HEXLOWER.encode(&tree.root()), root);
        assert_eq!(Tree::from_edge(tree.size(), tree.edge().to_vec()), Some(tree.clone()));
    }
    assert_eq!(Tree::from_edge(3, vec![[0; 32]]), None);
}

#[test]
fn every_leaf_of_every_small_tree_is_proven_and_no_other() {
    for size in 1..40u64 {
        let all = leaves(size);
        let root = root(&all);
        for index in 0..size {
            let proof = hash_ranges(&inclusion_ranges(index, size), all.iter().copied());
            let leaf = all[index as usize];
            assert!(includes(&proof, index, size, leaf, &root));
            assert!(!includes(&proof, index + 1, size, leaf, &root));
            assert!(!includes(&proof, index, size, [9; 32], &root));
            assert!(!includes(&proof, index, size, leaf, &[9; 32]));
            if let Some((_, shorter)) = proof.split_last() {
                assert!(!includes(shorter, index, size, leaf, &root));
            }
        }
    }
}

#[test]
fn every_small_tree_is_proven_to_begin_with_every_smaller_one() {
    for new in 1..40u64 {
        let all = leaves(new);
        let new_root = root(&all);
        for old in 0..=new {
            let old_root = root(&all[..old as usize]);
            let proof = hash_ranges(&consistency_ranges(old, new), all.iter().copied());
            assert!(consistent(&proof, old, &old_root, new, &new_root), "{old} {new}");
            if old > 0 {
                assert!(!consistent(&proof, old, &[9; 32], new, &new_root), "{old} {new}");
            }
            if old > 0 && old < new {
                assert!(!consistent(&proof, old, &old_root, new, &[9; 32]), "{old} {new}");
            }
        }
    }
}

proptest! {
    #[test]
    fn proofs_of_any_bytes_do_not_panic(proof in prop::collection::vec(any::<[u8; 32]>(), 0..70), a: u64, b: u64, c: [u8; 32]) {
        prop_assert!(!includes(&proof, a, b, c, &c) || b == 1);
        let _ = consistent(&proof, a, &c, b, &c);
    }
}
