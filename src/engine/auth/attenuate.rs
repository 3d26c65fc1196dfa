//! Makes a token that may do less than the caller's own.

use keyward_sdk::time::Span;

use super::{
    TOKENS,
    issued::{IssuedToken, not_minted},
};
use crate::{
    engine::{Done, EngineError, Operation, World},
    identity::{
        Scope,
        token::{self, Narrowing},
    },
    method::{Action, Method, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct Attenuate {
    /// Only this.
    pub scope: Scope,
    /// Only so long.
    pub life: Option<Span>,
}

impl Action for Attenuate {
    const METHOD: &'static Method = &rows::auth::ATTENUATE;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        TOKENS
    }
}

impl Operation for Attenuate {
    type Reply = IssuedToken;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<IssuedToken>, EngineError> {
        let caller = permit.caller();
        let scope =
            caller.scope().narrow(self.scope.clone()).map_err(|e| EngineError::invalid("scope", e.to_string()))?;
        let rings = world.vault.rings();
        let narrowing = Narrowing { scope: self.scope.clone(), life: self.life };
        let minted =
            token::attenuate(rings.of(permit.tenant())?, caller, narrowing, world.clock.now()).map_err(not_minted)?;
        let role =
            caller.role().cloned().ok_or_else(|| EngineError::state("NO_TOKEN", "only a token can be narrowed"))?;
        Ok(Done::Answer(IssuedToken::new(minted, caller.principal().clone(), role, scope)))
    }
}
