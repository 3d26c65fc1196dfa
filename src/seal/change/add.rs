//! Adding a path.

use super::{Change, Draft, Held};
use crate::seal::{NewPath, SealError, split::make_path};

/// Adds a path. The root stays, and no other path's shares are touched.
///
/// # Errors
/// [`SealError`]; nothing has changed.
pub async fn add_path(held: Held<'_>, plan: &NewPath) -> Result<Change, SealError> {
    plan.check()?;
    if held.record.path(&plan.name).is_some() {
        return Err(SealError::PathExists(plan.name.clone()));
    }
    let mut draft = Draft::keeping_root(held)?;
    draft.settle_epoch(&plan.name)?;
    let made = make_path(&draft.making(), plan).await?;
    draft.put_path(made);
    draft.finish(false)
}
