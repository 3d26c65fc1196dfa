//! What several targets need.

use data_encoding::HEXLOWER;
use keyward_sdk::time::Timestamp;
use serde_json::Value;

/// The moment at which all targets run.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// `valid` with every byte changed by the one of `change` at its place; what `change` has beyond the end is added. The
/// first byte of `change` says how many bytes are cut off: few, so that nothing whole can be put in the place of `valid`.
pub(crate) fn altered(valid: &[u8], change: &[u8]) -> Vec<u8> {
    let (cut, change) = change.split_first().map_or((0, change), |(cut, rest)| (usize::from(*cut % 32), rest));
    let mut bytes = valid[..valid.len().saturating_sub(cut)].to_vec();
    let within = change.len().min(bytes.len());
    bytes.iter_mut().zip(change).for_each(|(byte, change)| *byte ^= change);
    bytes.extend_from_slice(&change[within..]);
    bytes
}

/// Changes with which [`altered`] begins: none, one at the front, one further on, a cut.
pub(crate) fn changes() -> Vec<Vec<u8>> {
    let mut further = vec![0; 40];
    further.push(1);
    vec![vec![], vec![0, 1], further, vec![1], vec![20]]
}

/// The rows of a file of frozen vectors.
pub(crate) fn rows(json: &str) -> Vec<Value> {
    let rows: Value = serde_json::from_str(json).unwrap();
    rows.as_array().unwrap().clone()
}

/// Bytes that a row of vectors has in hex.
pub(crate) fn hex(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

/// Texts as seeds.
pub(crate) fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// A token that shipped.
pub(crate) struct FrozenToken {
    pub(crate) seed: u8,
    pub(crate) ancestors: usize,
    pub(crate) token: String,
}

/// The tokens that shipped.
pub(crate) fn frozen_tokens() -> Vec<FrozenToken> {
    let vectors: Value = serde_json::from_str(include_str!("../../tests/vectors/token.json")).unwrap();
    let row = |row: &Value| FrozenToken {
        seed: row["seed"].as_u64().unwrap().try_into().unwrap(),
        ancestors: row["ancestors"].as_u64().unwrap().try_into().unwrap(),
        token: row["token"].as_str().unwrap().to_owned(),
    };
    vectors["tokens"].as_array().unwrap().iter().map(row).collect()
}
