//! What streams are made of.

use std::future::Future;

use super::EngineError;

/// Gives the items of a stream, one after another, once the stream was permitted. Whether the caller may still have the
/// next is looked at by the pipeline, for each item.
///
/// It holds no world while it waits: the keys of a broker that is sealed must go.
pub trait Source: Send + 'static {
    /// What the caller gets.
    type Item: Send;

    /// Waits for the next item; none at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Item>, EngineError>> + Send;
}
