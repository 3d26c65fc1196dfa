//! Closes the broker.

use super::SYSTEM;
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, Method, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct Seal;

/// It is closed.
#[derive(Debug)]
pub struct Sealed;

impl Reply for Sealed {}

impl Action for Seal {
    const METHOD: &'static Method = &rows::seal::SEAL;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl Operation for Seal {
    type Reply = Sealed;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Sealed>, EngineError> {
        if let Some(lifecycle) = world.lifecycle.upgrade() {
            lifecycle.seal();
        }
        Ok(Done::Answer(Sealed))
    }
}
