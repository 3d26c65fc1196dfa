//! Removes an issuer, and takes back the tokens that were given for its word.

use super::get::find;
use crate::{
    engine::{Done, EngineError, Kept, Operation, World, auth, policy::Draft},
    identity::{IssuerConfig, IssuerRef, Revoked},
    keyring::Changes,
    method::{Action, IssuerResource, Method, Name, rows},
    policy::Permit,
};

/// See the module.
pub struct DeleteIssuer {
    /// Its name.
    pub name: Name,
    /// Even when policies become invalid by it, or nobody is left who can write policies.
    pub force: bool,
}

impl Action for DeleteIssuer {
    const METHOD: &'static Method = &rows::issuer::DELETE;
    type Resource = IssuerResource;
    fn resource(&self) -> IssuerResource {
        IssuerResource(self.name.clone())
    }
}

impl Operation for DeleteIssuer {
    type Reply = Kept<()>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        find(world, tenant, &self.name)?;
        let before = Draft::of(world, tenant);
        let mut draft = before.clone();
        draft.issuers.remove(&self.name);
        draft.check_issuers(before, self.force).await?;
        let mut changes = Changes::new();
        changes.delete_control::<IssuerConfig>(tenant, self.name.as_str());
        let whose = Revoked::Issuer(IssuerRef::Oidc(self.name.clone()));
        auth::revoke_all(&mut changes, tenant, whose, world.clock.now())?;
        Ok(Done::Change(changes, Kept(())))
    }
}
