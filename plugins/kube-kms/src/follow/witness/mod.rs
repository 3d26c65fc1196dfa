//! Keeps the latest checkpoint of each of the broker's audit logs, and refuses one that does not continue it: whoever holds
//! the broker and its signing key cannot cut or rewrite what this node has seen without being noticed. Nothing else
//! depends on it: keys are served whatever the log says.

mod seen;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use keyward_kit::audit::{Checkpoint, Hash, NoteError, Verifier};
use keyward_sdk::time::{Span, Timestamp};

use self::seen::{MAX_LOGS, Seen};
use crate::broker::LogCheckpoint;

/// Why a checkpoint is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not signed, or no checkpoint.
    #[error("checkpoint is not signed by its log's key: {0}")]
    Note(#[from] NoteError),
    /// No broker names a log so.
    #[error("checkpoint is of a log whose name is none of a broker")]
    Name,
    /// What the log grew by is no row of hashes.
    #[error("what log `{0}` grew by is no row of hashes")]
    Growth(String),
    /// Another key than before.
    #[error("log `{0}` is signed with another key than before")]
    Key(String),
    /// One log more than can be kept. None that is known makes room for it.
    #[error("log `{0}` is one more than can be kept: remove what the operator knows to be lost from `audit.seen`")]
    Full(String),
    /// Shorter than it was.
    #[error("log `{origin}` has {size} records, and had {seen} before: its end was cut")]
    Cut {
        /// The log.
        origin: String,
        /// What it has now.
        size: u64,
        /// What was seen.
        seen: u64,
    },
    /// Another history.
    #[error("log `{origin}` of {size} records does not begin with the {seen} that were seen: it was written anew")]
    Rewritten {
        /// The log.
        origin: String,
        /// What it has now.
        size: u64,
        /// What was seen.
        seen: u64,
    },
}

/// What a checkpoint that is taken is to this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The first of any log.
    First,
    /// It continues the one before.
    Continued,
    /// The first of a log that is new, beside those that are known. A broker does so where the folder of its log was lost;
    /// one that hides something might, too.
    Begun(String),
}

/// See the module.
#[derive(Debug)]
pub struct Witness {
    folder: PathBuf,
    seen: BTreeMap<String, Seen>,
    begun: Timestamp,
    refused: Option<Refused>,
}

impl Witness {
    /// Begins with what is kept in a node's folder. A file that is lost or damaged is begun anew: keys are served all the
    /// same, and what the broker shows next is the first that is known.
    pub async fn load(folder: &Path, now: Timestamp) -> Self {
        Self { folder: folder.to_owned(), seen: seen::load(folder).await, begun: now, refused: None }
    }

    /// Which logs are known, and how much of each.
    #[must_use]
    pub fn sizes(&self) -> Vec<(String, u64)> {
        self.seen.iter().map(|(origin, seen)| (origin.clone(), seen.tree.size())).collect()
    }

    /// Where the signed note of a log is kept.
    #[must_use]
    pub fn note_path(&self, origin: &str) -> PathBuf {
        seen::note_path(&self.folder, origin)
    }

    /// When a log was last seen to have grown; none before the first.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.seen.values().map(|seen| seen.at).max()
    }

    /// For how long no log was seen to grow, counted from this start at most.
    #[must_use]
    pub fn silent_for(&self, now: Timestamp) -> Span {
        now.since(self.newest().map_or(self.begun, |newest| newest.max(self.begun))).unwrap_or(Span::ZERO)
    }

    /// Why the last checkpoint was not taken.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    /// Keeps a checkpoint that continues what is known, or is the first of its log.
    ///
    /// # Errors
    /// [`Refused`]: what was known stays.
    pub async fn take(&mut self, given: &LogCheckpoint, now: Timestamp) -> Result<Taken, Refused> {
        let checked = self.check(given, now);
        self.refused = checked.as_ref().err().cloned();
        let (origin, seen) = checked?;
        let taken = match (self.seen.contains_key(&origin), self.seen.is_empty()) {
            (true, _) => Taken::Continued,
            (false, true) => Taken::First,
            (false, false) => Taken::Begun(origin.clone()),
        };
        if let Err(error) = seen::save(&self.folder, &origin, &seen, &given.note).await {
            tracing::warn!(%error, "Checkpoint of the broker's audit log cannot be kept on disk");
        }
        self.seen.insert(origin, seen);
        Ok(taken)
    }

    fn check(&self, given: &LogCheckpoint, now: Timestamp) -> Result<(String, Seen), Refused> {
        let verifier = Verifier::parse(&given.verifier)?;
        let Checkpoint { origin, size, root, .. } = Checkpoint::open(&given.note, &verifier)?;
        if !seen::is_name(&origin) {
            return Err(Refused::Name);
        }
        let hashes = given.growth.iter().map(|hash| hash.as_ref().try_into().ok());
        let Some(growth) = hashes.collect::<Option<Vec<Hash>>>() else { return Err(Refused::Growth(origin)) };
        let (known, verifier) = (self.seen.get(&origin), verifier.to_string());
        if known.is_some_and(|known| known.verifier != verifier) {
            return Err(Refused::Key(origin));
        }
        if known.is_none() && self.seen.len() >= MAX_LOGS {
            return Err(Refused::Full(origin));
        }
        let before = known.map(|known| known.tree.clone()).unwrap_or_default();
        let seen = before.size();
        if size < seen {
            return Err(Refused::Cut { origin, size, seen });
        }
        let grown = if given.from == seen { before.grown(size, &growth) } else { None };
        let Some(tree) = grown.filter(|tree| tree.root() == root) else {
            return Err(Refused::Rewritten { origin, size, seen });
        };
        let at = known.filter(|_| size == seen).map_or(now, |known| known.at);
        Ok((origin, Seen { verifier, tree, at }))
    }
}
