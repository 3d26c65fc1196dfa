//! What is done by the clock inside an open broker: the parts that need no more than the world.

mod forget;
mod renew;
mod rings;
mod root;
mod sweep;

use keyward_kit::audit::Durability;
use tokio::time::Instant;

pub use self::{
    forget::forget,
    renew::{renew, reseal},
    rings::{RingUse, rotate_due as rotate_rings},
    root::{RootAge, rotate_due as rotate_root},
    sweep::{Cursors, collect, retain},
};
use super::{EngineError, Lifecycle, lifecycle::MEMBER_TIMEOUT};

/// Records what the clock asks for, before it is done.
async fn record(lifecycle: &Lifecycle, what: &'static str, details: Vec<(&str, &str)>) -> Result<(), EngineError> {
    let deadline = Instant::now() + MEMBER_TIMEOUT;
    let recorded = lifecycle.parts.audit.system(what, details, Durability::Fsync, deadline).await;
    recorded.map_err(|error| EngineError::Unavailable(error.to_string()))
}
