//! Shows the seal's paths and members, and what losses they survive.

use super::{SYSTEM, change::record_of};
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, Method, Tenantwide, rows},
    policy::Permit,
    seal::{self, Drill, Status},
};

/// See the module.
pub struct ListSealPaths {
    /// Whether every member is asked now.
    pub probe: bool,
}

/// See the module.
pub struct DrillSeal;

impl Reply for Status {}
impl Reply for Drill {}

impl Action for ListSealPaths {
    const METHOD: &'static Method = &rows::seal::LIST_PATHS;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl Operation for ListSealPaths {
    type Reply = Status;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Status>, EngineError> {
        let lifecycle = world.lifecycle.upgrade().ok_or(EngineError::Sealed)?;
        let record = record_of(world).await?;
        if self.probe {
            lifecycle.prove_members(&record).await;
        }
        Ok(Done::Answer(seal::status(&record, &lifecycle.proofs())))
    }
}

impl Action for DrillSeal {
    const METHOD: &'static Method = &rows::seal::DRILL;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl Operation for DrillSeal {
    type Reply = Drill;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Drill>, EngineError> {
        Ok(Done::Answer(seal::drill(&record_of(world).await?)))
    }
}
