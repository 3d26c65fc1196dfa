//! docs/configuration.md lists the settings that there are, and no others.

use std::{collections::BTreeSet, path::Path};

use keyward::config::Config;

use super::read;

/// The keys in the first column of the tables, e.g. `listen.api`.
fn documented() -> BTreeSet<String> {
    let text = read("docs/configuration.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.filter(|key| key.contains('.')).map(str::to_owned).collect()
}

/// The keys that the sources of the settings read.
fn read_by_the_daemon() -> BTreeSet<String> {
    let text = read("src/config/raw.rs");
    let parsed = syn::parse_file(&text).unwrap();
    let structs = |name: &str| {
        parsed.items.iter().find_map(|item| match item {
            syn::Item::Struct(found) if found.ident == name => Some(found.fields.iter().collect::<Vec<_>>()),
            _ => None,
        })
    };
    let mut keys = BTreeSet::new();
    for section in structs("Raw").unwrap() {
        let name = section.ident.as_ref().unwrap();
        let syn::Type::Path(kind) = &section.ty else { panic!("{name}") };
        let kind = kind.path.segments.last().unwrap().ident.to_string();
        match structs(&kind) {
            Some(fields) => keys.extend(fields.iter().map(|field| format!("{name}.{}", field.ident.as_ref().unwrap()))),
            // The settings of logs are shared by both daemons.
            None => keys.extend(["level", "format"].map(|key| format!("{name}.{key}"))),
        }
    }
    keys
}

#[test]
fn the_settings_that_are_documented_are_those_that_are_read() {
    assert_eq!(documented(), read_by_the_daemon());
}

#[test]
fn the_example_of_the_page_is_taken() {
    let text = read("docs/configuration.md");
    let example = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    Config::parse(example, Path::new("docs/configuration.md")).unwrap();
}
