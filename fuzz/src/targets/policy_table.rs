//! Tables of expectations (`policy test`), run against the policy that every installation begins with.

use keyward::policy::{OPERATOR_POLICY, check::offline};

use crate::support::texts;

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(report) = offline(text, vec![("operator".to_owned(), OPERATOR_POLICY.to_owned())]) {
        assert!(!report.0.is_empty(), "a table that expects nothing passes");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let page = include_str!("../../../docs/policies.md");
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut seeds: Vec<_> = blocks.map(|block| block.as_bytes().to_vec()).collect();
    seeds.extend(texts(&[
        "",
        "[[expect]]\nauthority = \"operator\"\nrole = \"operator\"\naction = \"secret.read\"\nresource = \"a/b\"\nresult = \"allow\"\nbecause = [\"operator#everything\"]\n",
        "[issuers.ci]\nrepository = \"text\"\n[[expect]]\nname = \"n\"\nissuer = \"ci\"\nsubject = \"s\"\nclaims = { repository = \"a\" }\naction = \"secret.read\"\nresult = \"deny\"\n",
    ]));
    seeds
}
