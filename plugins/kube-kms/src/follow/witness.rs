//! Keeps the latest checkpoint of each of the broker's audit logs, and refuses one that does not continue it: whoever holds
//! the broker and its signing key cannot cut or rewrite what this node has seen without being noticed. Nothing else
//! depends on it: keys are served whatever the log says.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use data_encoding::BASE64;
use keyward_kit::audit::{Checkpoint, Hash, NoteError, Tree, Verifier};
use serde::{Deserialize, Serialize};

use crate::{broker::LogCheckpoint, files};

/// What is kept, for the next start.
const STATE: &str = "audit.seen";
/// The latest signed note, as `keyward audit verify --checkpoint` takes it.
const NOTE: &str = "audit.checkpoint";
/// The most logs: one for each replica of the broker, and one more after each that was lost.
const MAX_LOGS: usize = 16;
const MAX_FILE: usize = 1 << 20;

/// Why a checkpoint is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not signed, or no checkpoint.
    #[error("checkpoint is not signed by its log's key: {0}")]
    Note(#[from] NoteError),
    /// Another key than before.
    #[error("log `{0}` is signed with another key than before")]
    Key(String),
    /// Of other brokers.
    #[error("log `{found}` is of another installation than `{known}`")]
    Installation {
        /// What was given.
        found: String,
        /// What is kept.
        known: String,
    },
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

/// One log as it was seen last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    verifier: String,
    size: u64,
    /// The edge of the tree, in base64.
    edge: Vec<String>,
    note: String,
}

impl Seen {
    fn tree(&self) -> Option<Tree> {
        let hash = |text: &String| BASE64.decode(text.as_bytes()).ok()?.try_into().ok();
        Tree::from_edge(self.size, self.edge.iter().map(hash).collect::<Option<Vec<Hash>>>()?)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Witness {
    folder: PathBuf,
    seen: BTreeMap<String, Seen>,
    refused: Option<Refused>,
}

impl Witness {
    /// Begins with what is kept in a node's folder. A file that is lost or damaged is begun anew: keys are served all the
    /// same, and what the broker shows next is the first that is known.
    pub async fn load(folder: &Path) -> Self {
        let seen = match files::read(&folder.join(STATE), MAX_FILE).await {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, "Checkpoints of the broker's audit log cannot be read and are begun anew");
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        Self { folder: folder.to_owned(), seen, refused: None }
    }

    /// Which logs are known, and how much of each.
    #[must_use]
    pub fn sizes(&self) -> Vec<(String, u64)> {
        self.seen.iter().map(|(origin, seen)| (origin.clone(), seen.size)).collect()
    }

    /// Why the last checkpoint was not taken.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    /// Keeps a checkpoint that continues what is known.
    ///
    /// # Errors
    /// [`Refused`]: what was known stays.
    pub async fn take(&mut self, given: &LogCheckpoint) -> Result<(), Refused> {
        let taken = self.check(given);
        self.refused = taken.as_ref().err().cloned();
        let (origin, seen) = taken?;
        let note = seen.note.clone();
        while !self.seen.contains_key(&origin) && self.seen.len() >= MAX_LOGS {
            // Names end in when the log was begun.
            self.seen.pop_first();
        }
        self.seen.insert(origin, seen);
        let state = serde_json::to_vec(&self.seen).unwrap_or_default();
        let saved = files::replace(&self.folder.join(STATE), state, None).await;
        let saved = match saved {
            Ok(()) => files::replace(&self.folder.join(NOTE), note.into_bytes(), None).await,
            failed => failed,
        };
        if let Err(error) = saved {
            tracing::warn!(%error, "Checkpoint of the broker's audit log cannot be kept on disk");
        }
        Ok(())
    }

    fn check(&self, given: &LogCheckpoint) -> Result<(String, Seen), Refused> {
        let verifier = Verifier::parse(&given.verifier)?;
        let Checkpoint { origin, size, root, .. } = Checkpoint::open(&given.note, &verifier)?;
        let known = self.seen.get(&origin);
        if known.is_some_and(|known| known.verifier != given.verifier) {
            return Err(Refused::Key(origin));
        }
        let installation = |origin: &str| origin.split('/').next().unwrap_or_default().to_owned();
        if let Some(other) = self.seen.keys().find(|other| installation(other) != installation(&origin)) {
            return Err(Refused::Installation { found: origin, known: other.clone() });
        }
        let before = known.and_then(Seen::tree).unwrap_or_default();
        let seen = before.size();
        if size < seen {
            return Err(Refused::Cut { origin, size, seen });
        }
        let grown = if given.from == seen { before.grown(size, &given.growth) } else { None };
        let Some(tree) = grown.filter(|tree| tree.root() == root) else {
            return Err(Refused::Rewritten { origin, size, seen });
        };
        let edge = tree.edge().iter().map(|hash| BASE64.encode(hash)).collect();
        Ok((origin, Seen { verifier: given.verifier.clone(), size, edge, note: given.note.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use keyward_kit::audit::{Signer, tree::Growth};
    use keyward_sdk::crypto::asymmetric::{KeyKind, generate};

    use super::*;

    struct Log {
        signer: Signer,
        leaves: Vec<Hash>,
    }

    impl Log {
        fn new(origin: &str) -> Self {
            Self { signer: Signer::new(origin, &generate(KeyKind::Ed25519).unwrap()).unwrap(), leaves: Vec::new() }
        }

        fn grow(&mut self, by: u8, to: usize) {
            while self.leaves.len() < to {
                self.leaves.push([by ^ self.leaves.len() as u8; 32]);
            }
        }

        fn given(&self, from: u64) -> LogCheckpoint {
            let mut tree = Tree::new();
            self.leaves.iter().for_each(|leaf| tree.push(*leaf));
            let origin = self.signer.verifier().name().to_owned();
            let (size, root) = (tree.size(), tree.root());
            let note = Checkpoint { origin, size, root, time: None, heads: vec![] }.sign(&self.signer).unwrap();
            let mut growth = Growth::new(from);
            self.leaves.iter().skip(from as usize).for_each(|leaf| growth.push(*leaf));
            let (verifier, growth) = (self.signer.verifier().to_string(), growth.hashes().to_vec());
            LogCheckpoint { note, verifier, from, growth }
        }
    }

    #[tokio::test]
    async fn what_continues_is_kept_through_a_restart_and_what_does_not_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::new("inst/1/5");
        log.grow(1, 40);
        let mut witness = Witness::load(folder.path()).await;
        witness.take(&log.given(0)).await.unwrap();
        log.grow(1, 97);
        let next = log.given(40);
        witness.take(&next).await.unwrap();
        let mut witness = Witness::load(folder.path()).await;
        assert_eq!(witness.sizes(), [("inst/1/5".to_owned(), 97)]);
        assert_eq!(std::fs::read_to_string(folder.path().join(NOTE)).unwrap(), next.note);
        witness.take(&LogCheckpoint { from: 97, growth: vec![], ..next.clone() }).await.unwrap();

        // The holder of the key cuts the log, and writes it anew.
        let origin = "inst/1/5".to_owned();
        let mut anew = Log { signer: log.signer, leaves: Vec::new() };
        anew.grow(1, 96);
        let cut = witness.take(&anew.given(96)).await.unwrap_err();
        assert_eq!(cut, Refused::Cut { origin: origin.clone(), size: 96, seen: 97 });
        anew.leaves[50] = [7; 32];
        anew.grow(1, 120);
        let rewritten = Refused::Rewritten { origin, size: 120, seen: 97 };
        assert_eq!(witness.take(&anew.given(97)).await.unwrap_err(), rewritten);
        assert_eq!(witness.take(&anew.given(0)).await.unwrap_err(), rewritten);
        assert_eq!(witness.refused(), Some(&rewritten));
        assert_eq!(witness.sizes()[0].1, 97, "what was known stays");
        anew.leaves[50] = [1 ^ 50; 32];
        witness.take(&anew.given(97)).await.unwrap();
        assert_eq!(witness.refused(), None);
    }

    #[tokio::test]
    async fn another_key_and_another_installation_are_refused_and_another_replica_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut witness = Witness::load(folder.path()).await;
        let log = |origin: &str| {
            let mut log = Log::new(origin);
            log.grow(3, 9);
            log
        };
        let first = log("inst/1/5").given(0);
        witness.take(&first).await.unwrap();
        let other_key = LogCheckpoint { from: 9, growth: vec![], ..log("inst/1/5").given(0) };
        assert!(matches!(witness.take(&other_key).await.unwrap_err(), Refused::Key(_)));
        let unsigned = LogCheckpoint { note: first.note.replace("\n9\n", "\n8\n"), ..first.clone() };
        assert!(matches!(witness.take(&unsigned).await.unwrap_err(), Refused::Note(_)));
        assert!(matches!(witness.take(&log("other/1/5").given(0)).await.unwrap_err(), Refused::Installation { .. }));
        witness.take(&log("inst/2/6").given(0)).await.unwrap();
        for n in 0..40 {
            witness.take(&log(&format!("inst/3/{n:02}")).given(0)).await.unwrap();
        }
        assert_eq!(witness.sizes().len(), MAX_LOGS);
        std::fs::write(folder.path().join(STATE), "{").unwrap();
        assert!(Witness::load(folder.path()).await.sizes().is_empty(), "a damaged file holds nothing up");
    }
}
