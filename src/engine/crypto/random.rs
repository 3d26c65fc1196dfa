//! Gives random bytes.

use keyward_sdk::secret::Secret;

use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, Method, ResourceKind, Tenantwide, rows},
    policy::Permit,
};

/// The most bytes at a time.
const MOST: usize = 64 << 10;

/// See the module.
pub struct GenerateRandom {
    /// How many.
    pub bytes: usize,
}

/// Straight from the kernel.
#[derive(Debug)]
pub struct RandomBytes(pub Secret);

impl Reply for RandomBytes {}

impl Action for GenerateRandom {
    const METHOD: &'static Method = &rows::crypto::RANDOM;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Key)
    }
}

impl Operation for GenerateRandom {
    type Reply = RandomBytes;

    async fn execute(&self, _permit: &Permit<Self>, _world: &World) -> Result<Done<RandomBytes>, EngineError> {
        self.draw().map(Done::Answer)
    }
}

impl GenerateRandom {
    pub(super) fn draw(&self) -> Result<RandomBytes, EngineError> {
        if !(1..=MOST).contains(&self.bytes) {
            return Err(EngineError::invalid("bytes", format!("1 to {MOST} bytes are given at a time")));
        }
        Ok(RandomBytes(Secret::random(self.bytes)))
    }
}
