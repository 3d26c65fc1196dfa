//! Makes or changes an issuer.

use crate::{
    engine::{Done, EngineError, Keep, Kept, Operation, World, auth, policy::Draft},
    identity::{IssuerConfig, IssuerRef, Revoked},
    keyring::Changes,
    method::{Action, IssuerResource, Method, rows},
    policy::Permit,
};

/// The most issuers of a tenant.
const MAX_ISSUERS: usize = 1_000;

/// See the module.
pub struct PutIssuer {
    /// The issuer.
    pub issuer: IssuerConfig,
    /// Even when policies become invalid by it, or nobody is left who can write policies.
    pub force: bool,
}

impl Keep for IssuerConfig {}

impl Action for PutIssuer {
    const METHOD: &'static Method = &rows::issuer::PUT;
    type Resource = IssuerResource;
    fn resource(&self) -> IssuerResource {
        IssuerResource(self.issuer.name.clone())
    }
}

impl Operation for PutIssuer {
    type Reply = Kept<IssuerConfig>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let (tenant, issuer) = (permit.tenant(), &self.issuer);
        issuer.check().map_err(|problem| EngineError::invalid(problem.field, problem.what))?;
        let before = Draft::of(world, tenant);
        if let Some(other) = before.issuers.values().find(|known| known.iss == issuer.iss && known.name != issuer.name)
        {
            return Err(EngineError::state(
                "ISS_TAKEN",
                format!("issuer `{}` has this `iss` already; a token would come from both", other.name),
            ));
        }
        let mut draft = before.clone();
        let known = draft.issuers.insert(issuer.name.clone(), issuer.clone());
        if draft.issuers.len() > MAX_ISSUERS {
            return Err(EngineError::Limit { what: "the number of issuers", limit: MAX_ISSUERS as u64 });
        }
        draft.check_issuers(before, self.force).await?;
        let mut changes = Changes::new();
        changes.put_control(tenant, issuer.name.as_str(), issuer)?;
        if known.is_some_and(|known| known.iss != issuer.iss) {
            // Its subjects are other people from now on.
            let whose = Revoked::Issuer(IssuerRef::Oidc(issuer.name.clone()));
            auth::revoke_all(&mut changes, tenant, whose, world.clock.now())?;
        }
        Ok(Done::Change(changes, Kept(issuer.clone())))
    }
}
