//! The one way from a source of items to a stream of messages.
//!
//! Before each item, and several times a second while none comes, it is looked at whether the caller may still have the
//! next. So a stream ends within a second of revocation, expiry, a change of policy, or sealing.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use tonic::{Request, Response, Status};

use super::{door::Door, status};
use crate::{
    engine::{EngineError, Operation, Source, World},
    pipeline::{Refusal, Standing},
};

/// How soon it is seen that a stream must end.
const LOOK: Duration = Duration::from_millis(250);

/// The messages of a stream.
pub(super) type Items<R> = Pin<Box<dyn Stream<Item = Result<R, Status>> + Send>>;

impl Door {
    /// Begins a stream through all stations. `show` turns an item into its message.
    ///
    /// # Errors
    /// The refusal as a gRPC status.
    pub(super) async fn stream<O, Q, R, F>(&self, request: Request<Q>, show: F) -> Result<Response<Items<R>>, Status>
    where
        O: Operation<Reply: Source> + TryFrom<Q, Error = EngineError>,
        Q: prost::Message,
        R: Send + 'static,
        F: Fn(<O::Reply as Source>::Item, &World) -> R + Send + 'static,
    {
        let pipeline = self.pipeline();
        let facts = super::facts::read(&request, pipeline.lifecycle()).map_err(|refusal| status::of(&refusal))?;
        let operation = match O::try_from(request.into_inner()) {
            Ok(operation) => operation,
            Err(error) => return Err(status::of(&pipeline.malformed(O::METHOD, &facts, error))),
        };
        let begun = pipeline.begin(facts, operation).await;
        let (source, standing) = begun.map_err(|refusal| status::of(&refusal))?;
        let items = stream::unfold(Some((source, standing, show)), |state| async move {
            let (mut source, standing, show) = state?;
            match next(&mut source, &standing).await {
                Ok((Some(item), world)) => {
                    let message = show(item, &world);
                    Some((Ok(message), Some((source, standing, show))))
                }
                Ok((None, _)) => None,
                Err(refusal) => Some((Err(status::of(&refusal)), None)),
            }
        });
        Ok(Response::new(items.boxed()))
    }
}

async fn next<O: Operation, S: Source>(
    source: &mut S,
    standing: &Standing<O>,
) -> Result<(Option<S::Item>, Arc<World>), Refusal> {
    let mut next = std::pin::pin!(source.next());
    let item = loop {
        tokio::select! {
            biased;
            item = &mut next => break item?,
            () = tokio::time::sleep(LOOK) => drop(standing.check().await?),
        }
    };
    Ok((item, standing.check().await?))
}
