//! Work that would hold up other requests: RSA, and payloads of more than [`SHORT`] bytes.

use tokio::{sync::Semaphore, task};

use super::EngineError;

/// Payloads up to this size are worked on where the request is served.
pub const SHORT: usize = 64 << 10;

/// How much may be under way at a time. What is over it waits for its turn, at most until its deadline.
static ROOM: Semaphore = Semaphore::const_new(64);

/// Does the work on a thread for such work.
///
/// # Errors
/// Those of the work.
pub async fn offload<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let _turn = ROOM.acquire().await.map_err(|error| EngineError::Internal(error.to_string()))?;
    task::spawn_blocking(work).await.map_err(|error| EngineError::Internal(error.to_string()))?
}

/// Does the work here if it is short, and elsewhere if not.
///
/// # Errors
/// Those of the work.
pub async fn offload_if<T: Send + 'static>(
    long: bool,
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    if long { offload(work).await } else { work() }
}
