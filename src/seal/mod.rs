//! How the root key is kept: several seal paths, each a threshold of members, any one of which opens it.
//!
//! `member shares --Shamir--> path key --wrap--> root key`. A member is a key outside the store (a `KeyWrapper`) or a person
//! with a share on paper. The [`SealRecord`] lies beside the store without any secret in it; it is believed only after the
//! root that it gave has verified it, and [`Unsealed`] is the proof of that. Everything here works on values in memory;
//! whoever asked commits what [`Change::into_changes`] says.
//!
//! What it cannot do: tell a wholly replaced store from the true one, unless the root's public fingerprint is pinned in the
//! settings ([`RootFingerprint`]).

pub mod catalog;
mod change;
mod commit;
mod create;
mod drill;
mod error;
mod name;
mod open;
mod path_keys;
mod plan;
mod progress;
mod prove;
mod record;
mod renewal;
mod split;
mod status;
mod unsealed;

#[cfg(test)]
mod tests;

pub use self::{
    catalog::{BuiltIns, Connect},
    change::{Change, Edit, Held, add_path, edit_path, remove_path, rotate_root},
    commit::{PATH_KEYS, Written},
    create::{Made, create},
    drill::{Coalition, Drill, Loss, drill},
    error::{OpenError, SealError, ShareError},
    name::{Name, NameError},
    open::{Heard, How, MemberReport, NotOpened, Opened, open},
    path_keys::{PathKey, PathKeys},
    plan::{NewMember, NewPath, PlanError, Who},
    progress::{PathProgress, Progress, Step},
    prove::{Proof, ProofBook, ProofError, prove},
    record::{
        Holder, InstallationId, MAX_RECORD, MemberRecord, PathRecord, RecordError, RootFingerprint, RootLabel,
        SealRecord,
    },
    renewal::{RENEWAL, Renewal},
    split::PersonShare,
    status::{MemberStatus, PathStatus, Reach, Status, status},
    unsealed::Unsealed,
};
