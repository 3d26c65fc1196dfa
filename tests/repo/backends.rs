//! A backend is a crate, a row and a page; none is forgotten.

use std::collections::BTreeSet;

use super::{files, read, root};

#[test]
fn each_backend_has_a_row_and_a_page() {
    let crates: BTreeSet<_> = std::fs::read_dir(root().join("plugins"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_prefix("kms-").map(str::to_owned))
        .collect();
    let catalog = read("src/seal/catalog.rs");
    let rows: BTreeSet<_> = catalog
        .match_indices("keyward_kms_")
        .map(|(at, word)| catalog[at + word.len()..].split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned())
        .collect();
    let pages: BTreeSet<_> = files("docs/backends", ".md")
        .iter()
        .map(|page| page.trim_start_matches("docs/backends/").trim_end_matches(".md").to_owned())
        .collect();
    assert_eq!(crates, rows);
    assert_eq!(crates, pages);
}

#[test]
fn each_kind_of_member_is_explained() {
    let pages: String = files("docs/backends", ".md").iter().map(|page| read(page)).collect();
    for built_in in keyward_kms_soft::BUILT_INS {
        assert!(pages.contains(built_in.kind), "no page explains `{}`", built_in.kind);
        for key in built_in.keys {
            assert!(
                pages.contains(&format!("`{}`", key.name)),
                "no page explains `{}` of `{}`",
                key.name,
                built_in.kind
            );
        }
    }
}
