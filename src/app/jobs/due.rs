//! The ends of tenants and keys, and the rotation of keys: recorded, then committed, in batches that the store takes.

use std::{sync::Arc, time::Duration};

use keyward_kit::audit::Durability;
use keyward_sdk::time::Timestamp;
use tokio::time::Instant;
use tracing::info;

use crate::{
    audit::Audit,
    engine::{EngineError, World, key, tenant},
    keyring::{Changes, VaultError},
    storage::StorageError,
};

/// How many batches in one round. The rest is due in the next.
const BATCHES: usize = 32;
/// How many keys go into a batch, and how many when that was too large: the index of thousands of keys goes along.
const SIZES: [usize; 3] = [16, 4, 1];

/// What keys are due for.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    End,
    Rotate,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::End => "key.destroyed",
            Self::Rotate => "key.rotated",
        }
    }
}

/// With what it is done.
pub(super) struct Done<'a> {
    pub(super) world: &'a World,
    pub(super) audit: &'a Arc<Audit>,
    pub(super) within: Duration,
}

impl Done<'_> {
    pub(super) async fn tenants(&self, now: Timestamp) -> Result<(), EngineError> {
        for _ in 0..BATCHES {
            let Some((name, changes)) = tenant::purge_due(self.world, now)? else { break };
            self.commit("tenant.purged", vec![("tenant", name.as_str())], changes).await?;
            info!(tenant = %name, "Tenant destroyed: its waiting period was over");
        }
        Ok(())
    }

    pub(super) async fn keys(&self, what: What, now: Timestamp) -> Result<(), EngineError> {
        for _ in 0..BATCHES {
            if !self.some_keys(what, now).await? {
                break;
            }
            info!(what = what.name(), "Keys changed that were due");
        }
        Ok(())
    }

    /// One batch, fewer at a time when that is too much. False when nothing is due.
    async fn some_keys(&self, what: What, now: Timestamp) -> Result<bool, EngineError> {
        let mut sizes = SIZES.into_iter().peekable();
        while let Some(at_once) = sizes.next() {
            let due = match what {
                What::End => key::destroy_due(self.world, now, at_once)?,
                What::Rotate => key::rotate_due(self.world, now, at_once).await?,
            };
            let Some(due) = due else { return Ok(false) };
            let tenant = due.tenant.to_string();
            let mut details = vec![("tenant", tenant.as_str())];
            details.extend(due.names.iter().map(|name| ("key", name.as_str())));
            match self.commit(what.name(), details, due.changes).await {
                Ok(()) => return Ok(true),
                Err(error) if sizes.peek().is_none() || !is_too_large(&error) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(false)
    }

    async fn commit(
        &self,
        what: &'static str,
        details: Vec<(&str, &str)>,
        changes: Changes,
    ) -> Result<(), EngineError> {
        let recorded = self.audit.system(what, details, Durability::Fsync, Instant::now() + self.within).await;
        recorded.map_err(|error| EngineError::Unavailable(error.to_string()))?;
        self.world.vault.commit(changes).await?;
        Ok(())
    }
}

fn is_too_large(error: &EngineError) -> bool {
    matches!(error, EngineError::Vault(VaultError::Storage(StorageError::TooLarge { .. })))
}
