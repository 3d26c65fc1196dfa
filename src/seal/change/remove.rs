//! Removing a path.

use super::{Change, Draft, Held};
use crate::seal::{Name, SealError};

/// Removes a path. Whoever could open it keeps an old record openable, so the root and the system keyring are renewed.
///
/// # Errors
/// [`SealError::LastPath`] when it is the only one; nothing has changed.
pub fn remove_path(held: Held<'_>, name: &Name) -> Result<Change, SealError> {
    let mut draft = Draft::with_new_root(held)?;
    draft.path(name)?;
    if draft.body.paths.len() == 1 {
        return Err(SealError::LastPath(name.clone()));
    }
    draft.body.paths.retain(|path| path.name != *name);
    draft.keys.remove(name);
    draft.finish(true)
}
