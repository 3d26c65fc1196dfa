//! What labels may be.

use std::collections::BTreeMap;

use crate::{engine::EngineError, method::Name};

/// Checks labels from outside.
pub(super) fn check(labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
    let fits = |(name, value): (&String, &String)| {
        name.parse::<Name>().is_ok() && value.len() <= 256 && !value.chars().any(char::is_control)
    };
    if labels.len() > 64 || !labels.iter().all(fits) {
        let why = "at most 64 labels; names of one segment, values of at most 256 bytes without control characters";
        return Err(EngineError::invalid("labels", why));
    }
    Ok(())
}
