//! The settings of the broker.

use std::path::Path;

use keyward::config::Config;

use crate::support::texts;

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text, Path::new("keyward.toml")) {
        Ok(config) => assert!(config.workers > 0),
        Err(problems) => assert!(problems.to_string().contains("keyward.toml"), "a problem does not name its file"),
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let page = include_str!("../../../docs/configuration.md");
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut seeds: Vec<_> = blocks.map(|block| block.as_bytes().to_vec()).collect();
    seeds.extend(texts(&[
        "",
        "[listen]\napi = \"127.0.0.1:7443\"\nworkers = 2\n[storage]\nfile = \"/var/lib/keyward/store\"\n",
        "[tls]\ncertificate = \"/c\"\nkey = \"/k\"\n[log]\nlevel = \"keyward=debug\"\nformat = \"json\"\n",
        "[audit]\nfolder = \"/a\"\nrotate_size = \"32MiB\"\n[listen]\nappi = \"x\"\n",
    ]));
    seeds
}
