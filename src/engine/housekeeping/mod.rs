//! What is done by the clock inside an open broker. One part that fails does not keep the others from being done.

mod forget;
mod renew;
mod rings;
mod root;

use keyward_kit::audit::Durability;
use keyward_sdk::time::Timestamp;
use tokio::time::Instant;
use tracing::warn;

pub use self::root::RootAge;
use super::{EngineError, Lifecycle, World, lifecycle::MEMBER_TIMEOUT};

/// For the job that runs every minute.
pub async fn minutely(lifecycle: &Lifecycle, world: &World, now: Timestamp) {
    let told = |what: &'static str, done: Result<(), EngineError>| {
        if let Err(error) = done {
            warn!(job = what, %error, "Job failed, to be tried again");
        }
    };
    told("rotate keyrings", rings::rotate_due(lifecycle, world, now).await);
    told("rotate the root", root::rotate_due(lifecycle, world, now).await);
    told("renew after a change of the seal", renew::renew(lifecycle, world, now).await);
    told("seal anew", renew::reseal(world).await);
    told("forget", forget::forget(world, now).await);
    told("prove members", lifecycle.prove_when_due(now).await);
}

/// Records what the clock asks for, before it is done.
async fn record(lifecycle: &Lifecycle, what: &'static str, details: Vec<(&str, &str)>) -> Result<(), EngineError> {
    let deadline = Instant::now() + MEMBER_TIMEOUT;
    let recorded = lifecycle.parts.audit.system(what, details, Durability::Fsync, deadline).await;
    recorded.map_err(|error| EngineError::Unavailable(error.to_string()))
}
