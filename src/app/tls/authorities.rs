//! The file of authorities whose client certificates identify callers, followed as certificates are.

use std::{os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc};

use keyward_kit::tls::read_certificates;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::FILES_CHECKED;
use crate::{app::BuildError, identity::ClientAuthorities};

/// What tells that the file was replaced or written to.
type Stamp = Option<(u64, u64, i64, i64)>;

/// See the module.
#[derive(Debug)]
pub(in crate::app) struct AuthoritiesFile {
    path: PathBuf,
    seen: Stamp,
}

impl AuthoritiesFile {
    /// Reads it for the first time.
    pub(in crate::app) fn load(path: PathBuf, into: &ClientAuthorities) -> Result<Self, BuildError> {
        let this = Self { seen: stamp(&path), path };
        this.read(into).map_err(|why| BuildError::Other(format!("tls.client_authorities: {why}")))?;
        Ok(this)
    }

    fn read(&self, into: &ClientAuthorities) -> Result<(), String> {
        let certificates = read_certificates(&self.path).map_err(|error| error.to_string())?;
        into.set_configured(&certificates).map_err(|error| error.to_string())
    }

    /// Takes a new file when it changes. The old authorities stay in force when the new ones are no good.
    pub(in crate::app) async fn follow(mut self, into: Arc<ClientAuthorities>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(FILES_CHECKED)).await.is_some() {
            let now = stamp(&self.path);
            if now == self.seen {
                continue;
            }
            match self.read(&into) {
                Ok(()) => info!(file = %self.path.display(), "Client authorities reloaded"),
                Err(error) => warn!(%error, "New client authorities cannot be used, the old ones stay"),
            }
            self.seen = now;
        }
    }
}

fn stamp(path: &std::path::Path) -> Stamp {
    let facts = std::fs::metadata(path).ok()?;
    Some((facts.ino(), facts.len(), facts.mtime(), facts.mtime_nsec()))
}
