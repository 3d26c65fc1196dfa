//! A gRPC server as a target: a connection, and what each who shares it asks.

use crate::load::{GrpcLine, Line, Place, Result, Target, channel};

/// Whoever asks is made by `make` from a connection to `place`.
#[derive(Clone)]
pub(super) struct Calls<M> {
    pub(super) place: Place,
    pub(super) token: Option<String>,
    pub(super) make: M,
}

impl<M, L> Target for Calls<M>
where
    M: Fn(GrpcLine) -> L + Clone + Send + Sync + 'static,
    L: Line,
{
    type Line = L;

    async fn connect(&self, lines: usize) -> Result<Vec<L>> {
        let line = channel(&self.place, self.token.as_deref()).await?;
        Ok((0..lines).map(|_| (self.make)(line.clone())).collect())
    }
}

/// Says what is wrong with an answer.
pub(super) fn expect(right: bool, what: &str) -> Result<()> {
    if right { Ok(()) } else { Err(what.to_owned()) }
}

/// A refusal in a sentence.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn refused(status: tonic::Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}
