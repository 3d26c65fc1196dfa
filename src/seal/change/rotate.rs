//! A new root under the same paths.

use super::{Change, Draft, Held};
use crate::seal::SealError;

/// Makes a new root. All paths wrap it by their keys, so neither members nor people are needed and every share stays good.
///
/// # Errors
/// [`SealError`]; nothing has changed.
pub fn rotate_root(held: Held<'_>) -> Result<Change, SealError> {
    Draft::with_new_root(held)?.finish(false)
}
