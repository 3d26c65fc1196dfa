//! The one way from a generated message to the pipeline and back.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::status;
use crate::{
    engine::{EngineError, Operation, SealedOperation},
    pipeline::{Pipeline, Refusal},
};

/// What every service is made of.
#[derive(Clone)]
pub struct Door {
    pipeline: Arc<Pipeline>,
}

impl Door {
    /// In front of a pipeline.
    #[must_use]
    pub fn new(pipeline: Arc<Pipeline>) -> Self {
        Self { pipeline }
    }

    /// The pipeline, for the services with streams.
    #[must_use]
    pub fn pipeline(&self) -> &Arc<Pipeline> {
        &self.pipeline
    }

    /// Runs one request through all stations.
    ///
    /// # Errors
    /// The refusal as a gRPC status.
    pub async fn handle<O, Q, R>(&self, request: Request<Q>) -> Result<Response<R>, Status>
    where
        O: Operation + TryFrom<Q, Error = EngineError>,
        Q: prost::Message,
        R: From<O::Reply>,
    {
        let facts = super::facts::read(&request, self.pipeline.lifecycle()).map_err(|refusal| status::of(&refusal))?;
        let operation = O::try_from(request.into_inner());
        let operation = match operation {
            Ok(operation) => operation,
            Err(error) => return Err(status::of(&self.pipeline.malformed(O::METHOD, &facts, error))),
        };
        match self.pipeline.run_to_the_end(facts, operation).await {
            Ok(recorded) => Ok(Response::new(R::from(recorded.into_reply()))),
            Err(refusal) => Err(status::of(&refusal)),
        }
    }
}

impl Door {
    /// Runs one request that works while sealed.
    ///
    /// # Errors
    /// The refusal as a gRPC status.
    pub async fn handle_sealed<O, Q, R>(&self, request: Request<Q>) -> Result<Response<R>, Status>
    where
        O: SealedOperation + TryFrom<Q, Error = EngineError>,
        Q: prost::Message,
        R: From<O::Reply>,
    {
        let facts = super::facts::read(&request, self.pipeline.lifecycle()).map_err(|refusal| status::of(&refusal))?;
        let operation = O::try_from(request.into_inner()).map_err(|error| status::of(&error.into()))?;
        match self.pipeline.run_sealed_to_the_end(facts, operation).await {
            Ok(recorded) => Ok(Response::new(R::from(recorded.into_reply()))),
            Err(refusal) => Err(status::of(&refusal)),
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// Implements a generated service trait: each RPC is its operation through the door; those marked `sealed` need no open broker.
macro_rules! service {
    ($service:path; $($rpc:ident($request:ident) -> $response:ident = $operation:ident $(, $sealed:ident)?;)*) => {
        #[tonic::async_trait]
        impl $service for Door {
            $(
                async fn $rpc(&self, request: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                    super::door::service!(@through self, request, $operation $(, $sealed)?)
                }
            )*
        }
    };
    (@through $door:ident, $request:ident, $operation:ident) => {
        $door.handle::<$operation, _, _>($request).await
    };
    (@through $door:ident, $request:ident, $operation:ident, sealed) => {
        $door.handle_sealed::<$operation, _, _>($request).await
    };
}
pub(crate) use service;
