//! What is kept of each log, in a folder of the node's: what the next checkpoint is held against, and the signed note of
//! the last, as `keyward audit verify --checkpoint` takes it.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use data_encoding::BASE64;
use keyward_kit::audit::{Hash, Tree};
use keyward_sdk::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::files;

const FOLDER: &str = "audit.seen";
/// Far more than an edge of 64 hashes and a key take.
const MAX_FILE: usize = 16 << 10;
/// The most logs: one for each replica of the broker, and one more after each that was lost.
pub(super) const MAX_LOGS: usize = 16;

/// One log as it was seen last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The public key of its checkpoints, as text.
    pub(super) verifier: String,
    /// The tree over what was seen.
    pub(super) tree: Tree,
    /// When it was seen to have grown, by this node's clock.
    pub(super) at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Form {
    origin: String,
    verifier: String,
    size: u64,
    /// The edge of the tree, in base64.
    edge: Vec<String>,
    /// In milliseconds since 1970.
    at: u64,
}

impl Form {
    fn read(self) -> Option<(String, Seen)> {
        let hash = |text: &String| BASE64.decode(text.as_bytes()).ok()?.try_into().ok();
        let tree = Tree::from_edge(self.size, self.edge.iter().map(hash).collect::<Option<Vec<Hash>>>()?)?;
        let seen = Seen { verifier: self.verifier, tree, at: Timestamp::from_millis(self.at) };
        is_name(&self.origin).then_some((self.origin, seen))
    }
}

/// Whether this is the name of a log of a broker's: `folder/replica/epoch`, each of letters, digits, `.`, `_` and `-`.
pub(super) fn is_name(origin: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    origin.len() <= 200 && origin.split('/').count() == 3 && origin.split('/').all(plain)
}

/// Where the signed note of a log is kept, in a node's folder.
pub(super) fn note_path(folder: &Path, origin: &str) -> PathBuf {
    folder.join(FOLDER).join(format!("{}.checkpoint", stem(origin)))
}

/// Names have no plus, so no two logs have one file.
fn stem(origin: &str) -> String {
    origin.replace('/', "+")
}

/// All that is kept in a node's folder. What is damaged is left out, with a warning: the log is then new to this node.
pub(super) async fn load(folder: &Path) -> BTreeMap<String, Seen> {
    let mut all = BTreeMap::new();
    let listed = list(&folder.join(FOLDER)).unwrap_or_else(|error| {
        tracing::warn!(%error, "What was seen of the broker's audit log cannot be read; it is begun anew");
        Vec::new()
    });
    for path in listed {
        let read = files::read(&path, MAX_FILE).await;
        let form = read.and_then(|bytes| serde_json::from_slice::<Form>(&bytes).map_err(io::Error::other));
        match form.map(Form::read) {
            Ok(Some((origin, seen))) => drop(all.insert(origin, seen)),
            Ok(None) => tracing::warn!(file = %path.display(), "Damaged file of the broker's audit log is left out"),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "File of the broker's audit log cannot be read");
            }
        }
    }
    all
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<_> = paths.into_iter().filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    paths.sort();
    paths.truncate(MAX_LOGS);
    Ok(paths)
}

/// Keeps what was seen of one log, and its note.
///
/// # Errors
/// Of the file system.
pub(super) async fn save(folder: &Path, origin: &str, seen: &Seen, note: &str) -> io::Result<()> {
    let form = Form {
        origin: origin.to_owned(),
        verifier: seen.verifier.clone(),
        size: seen.tree.size(),
        edge: seen.tree.edge().iter().map(|hash| BASE64.encode(hash)).collect(),
        at: seen.at.millis(),
    };
    files::private_folder(&folder.join(FOLDER))?;
    // The note first: one that is newer than what is kept is a checkpoint all the same.
    files::replace(&note_path(folder, origin), note.as_bytes().to_vec(), None).await?;
    let state = serde_json::to_vec(&form).map_err(io::Error::other)?;
    files::replace(&folder.join(FOLDER).join(format!("{}.json", stem(origin))), state, None).await
}
