//! Uses a bootstrap token, once.

use keyward_sdk::{secret::SecretString, time::Span};

use super::{
    TOKENS,
    issued::{IssuedToken, not_minted},
};
use crate::{
    engine::{Connection, Done, EngineError, Kept, Operation, World, bootstrap},
    identity::{
        Claims, IssuerRef, Principal, Scope,
        token::{self, Grant},
    },
    keyring::Changes,
    method::{Action, Method, Tenantwide, rows},
    policy::Permit,
};

/// How long the operator token lives that a bootstrap token gives.
const LIFE: Span = Span::from_hours(1);

/// See the module.
pub struct RedeemBootstrapToken {
    /// The token.
    pub token: SecretString,
    /// What the connection proves.
    pub connection: Connection,
}

impl Action for RedeemBootstrapToken {
    const METHOD: &'static Method = &rows::auth::REDEEM;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        TOKENS
    }
}

impl Operation for RedeemBootstrapToken {
    type Reply = Kept<IssuedToken>;

    fn connected(&mut self, connection: &Connection) {
        self.connection = connection.clone();
    }

    fn prove(&self, world: &World) -> Result<(), EngineError> {
        let (tenant, _) = bootstrap::spend(world, &self.token, &mut Changes::new())?;
        let name = world.tenant_name(tenant);
        if self.connection.tenant.as_ref().is_some_and(|asked| asked.as_str() != name) {
            return Err(EngineError::state(
                "OTHER_TENANT",
                format!(
                    "this token is for the tenant `{name}`: log in there, with `--tenant {name}` on the command line"
                ),
            ));
        }
        world.active(tenant)
    }

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let mut changes = Changes::new();
        let (tenant, record) = bootstrap::spend(world, &self.token, &mut changes)?;
        world.active(tenant)?;
        changes.based_on(tenant, world.vault.counter(tenant));
        let role = match world.tables.roles.get(tenant, record.role.as_str()) {
            Some(role) => role,
            None => {
                // The operator role was deleted: recovering brings it back.
                let role = bootstrap::operator_role()?;
                changes.put_control(tenant, record.role.as_str(), &role)?;
                role.into()
            }
        };
        let principal = Principal { tenant, issuer: IssuerRef::Operator, subject: record.made_by.as_str().into() };
        let grant = Grant {
            principal: principal.clone(),
            role: record.role.clone(),
            claims: Claims::default(),
            scope: Scope::unlimited(),
            life: LIFE.min(role.max_life),
            binding: self.connection.binding(&role)?,
        };
        let rings = world.vault.rings();
        let minted = token::mint(rings.of(tenant)?, grant, world.clock.now()).map_err(not_minted)?;
        Ok(Done::Change(changes, Kept(IssuedToken::new(minted, principal, record.role, Scope::unlimited()))))
    }
}
