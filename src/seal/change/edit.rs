//! Changing who is in a path, and how many of them it takes.

use super::{Change, Draft, Held};
use crate::seal::{Name, NewMember, NewPath, SealError, split::make_path};

/// One change to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// One more member.
    Add(NewMember),
    /// One member less.
    Remove(Name),
    /// Another member in the place of one.
    Replace(Name, NewMember),
    /// Another threshold.
    Threshold(u8),
}

/// Changes a path's members and threshold, all edits at once. The path gets a new key and new shares for every member (people
/// are shown theirs again), and root and system keyring are renewed, since old shares could open an old record.
///
/// # Errors
/// [`SealError`]; nothing has changed. All members that are keys must be reachable, since each gets a new share.
pub async fn edit_path(held: Held<'_>, name: &Name, edits: &[Edit]) -> Result<Change, SealError> {
    let mut draft = Draft::with_new_root(held)?;
    let mut plan = NewPath::of(draft.path(name)?);
    for edit in edits {
        apply(&mut plan, edit)?;
    }
    plan.check()?;
    draft.settle_epoch(name)?;
    let made = make_path(&draft.making(), &plan).await?;
    draft.put_path(made);
    draft.finish(true)
}

fn apply(plan: &mut NewPath, edit: &Edit) -> Result<(), SealError> {
    match edit {
        Edit::Add(member) => plan.members.push(member.clone()),
        Edit::Remove(name) => {
            position(plan, name)?;
            plan.members.retain(|member| member.name != *name);
        }
        Edit::Replace(name, with) => {
            let at = position(plan, name)?;
            if let Some(member) = plan.members.get_mut(at) {
                *member = with.clone();
            }
        }
        Edit::Threshold(k) => plan.k = *k,
    }
    Ok(())
}

fn position(plan: &NewPath, name: &Name) -> Result<usize, SealError> {
    let at = plan.members.iter().position(|member| member.name == *name);
    at.ok_or_else(|| SealError::NoMember { path: plan.name.clone(), member: name.clone() })
}
