//! The end of a backup that went out whole.

use keyward_kit::audit::Durability;
use tokio::time::{Duration, Instant};

use super::{Pipeline, Refusal};
use crate::engine::{
    World,
    backup::{self, LastBackup},
};

/// How long recording it may take.
const WITHIN: Duration = Duration::from_secs(10);

impl Pipeline {
    /// Records that the last byte of a backup was handed out, and remembers when.
    ///
    /// # Errors
    /// [`Refusal`]: it is not recorded, and counts as not made.
    pub async fn backed_up(&self, world: &World, made: LastBackup) -> Result<(), Refusal> {
        let (revision, bytes) = (made.revision.to_string(), made.bytes.to_string());
        let details = vec![("revision", revision.as_str()), ("bytes", bytes.as_str())];
        self.audit.system("backup.handed_out", details, Durability::Fsync, Instant::now() + WITHIN).await?;
        backup::note(world, made).await?;
        Ok(())
    }
}
