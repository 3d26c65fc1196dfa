//! Takes a proof of identity and a role, and gives a token. Writes nothing, unless the issuer's tokens serve once.

use keyward_sdk::{
    secret::SecretString,
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{
    TOKENS,
    issued::{IssuedToken, not_minted},
};
use crate::{
    engine::{Connection, Done, EngineError, Operation, RoleAsked, World},
    identity::{
        Claims, IssuerRef, Principal, RoleConfig, Scope,
        oidc::{OidcError, Replay, Verified},
        token::{self, Grant},
    },
    keyring::{Changes, DataPath},
    method::{Action, Method, Name, TenantId, Tenantwide, rows},
    policy::Permit,
    storage::{Expect, MAX_LIST},
};

/// Where marks of used tokens lie.
const USED: &str = "used/";
/// How many pages of them are looked at for old ones.
const PAGES: usize = 20;

/// See the module.
pub struct Login {
    /// The role to act in.
    pub role: Name,
    /// An OIDC token; none: the connection proves who it is.
    pub oidc: Option<SecretString>,
    /// Less than the role may.
    pub scope: Scope,
    /// For how long.
    pub life: Option<Span>,
    /// What the connection proves.
    pub connection: Connection,
}

/// A token that was used where tokens serve once.
#[derive(Serialize, Deserialize)]
struct Used {
    expires_at: Timestamp,
}

impl Action for Login {
    const METHOD: &'static Method = &rows::auth::LOGIN;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        TOKENS
    }
}

impl Operation for Login {
    type Reply = IssuedToken;

    fn connected(&mut self, connection: &Connection) {
        self.connection = connection.clone();
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<IssuedToken>, EngineError> {
        let tenant = permit.tenant();
        // The token counts as issued now: what is revoked while keys are fetched takes it along.
        let began = world.clock.now();
        let mut changes = Changes::new();
        let (principal, claims) = match &self.oidc {
            Some(text) => {
                let verified = world.issuers.verify(tenant, text.expose()).await.map_err(not_believed)?;
                if !world.issuers.is_current(tenant, &verified.issuer) {
                    return Err(not_believed(OidcError::IssuerUnknown));
                }
                if verified.issuer.replay == Replay::Once {
                    once(world, tenant, &verified, &mut changes).await?;
                }
                let issuer = IssuerRef::Oidc(verified.issuer.name.clone());
                (Principal { tenant, issuer, subject: verified.subject }, verified.claims)
            }
            None => self.by_connection(world, tenant)?,
        };
        let role = takeable(world, tenant, &principal, &claims, &self.role)?;
        let binding = self.connection.binding(&role)?;
        let scope = role.scope.narrow(self.scope.clone()).map_err(|e| EngineError::invalid("scope", e.to_string()))?;
        let grant = Grant {
            principal: principal.clone(),
            role: self.role.clone(),
            claims,
            scope: scope.clone(),
            life: role.life(self.life),
            binding,
        };
        let rings = world.vault.rings();
        let minted = token::mint(rings.of(tenant)?, grant, began).map_err(not_minted)?;
        let issued = IssuedToken::new(minted, principal, self.role.clone(), scope);
        Ok(if changes.is_empty() { Done::Answer(issued) } else { Done::Change(changes, issued) })
    }
}

impl Login {
    fn by_connection(&self, world: &World, tenant: TenantId) -> Result<(Principal, Claims), EngineError> {
        let caller = self.connection.identify_without_token(world, tenant);
        let caller =
            caller.map_err(|error| EngineError::NotProven { reason: error.reason(), what: error.to_string() })?;
        Ok((caller.principal().clone(), caller.claims().clone()))
    }
}

/// Whether policy lets the principal take the role. One answer for "no such role" and "not you".
fn takeable(
    world: &World,
    tenant: TenantId,
    principal: &Principal,
    claims: &Claims,
    name: &Name,
) -> Result<std::sync::Arc<RoleConfig>, EngineError> {
    let may = world.policy.assume(principal, claims, name).is_ok();
    world.tables.roles.get(tenant, name.as_str()).filter(|_| may).ok_or_else(|| {
        EngineError::RoleDenied(Box::new(RoleAsked { principal: principal.clone(), role: name.clone() }))
    })
}

/// Marks a token as used; a second use meets the mark, and of two at the same moment one meets the other's.
async fn once(world: &World, tenant: TenantId, verified: &Verified, changes: &mut Changes) -> Result<(), EngineError> {
    let name = data_encoding::HEXLOWER.encode(&verified.fingerprint);
    let place = DataPath::new(tenant, &format!("{USED}{name}"))?;
    if world.vault.read::<Used>(&place).await?.is_some() {
        return Err(EngineError::NotProven {
            reason: "OIDC_TOKEN_USED",
            what: "this token was used already and its issuer's tokens serve once; get a new one".to_owned(),
        });
    }
    changes.expect(place.clone(), Expect::Absent);
    changes.put_data(place, &Used { expires_at: verified.accepted_until })?;
    Ok(())
}

/// Marks of tokens that would not be accepted any more in any case. Looks at some pages of each tenant a call.
pub(in crate::engine) async fn old_marks(
    world: &World,
    tenant: TenantId,
    now: Timestamp,
) -> Result<Vec<DataPath>, EngineError> {
    let (mut old, mut after) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = world.vault.values::<Used>(tenant, USED, after.as_ref(), MAX_LIST).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        old.extend(page.into_iter().filter(|(_, used)| used.expires_at <= now).map(|(place, _)| place));
    }
    Ok(old)
}

fn not_believed(error: OidcError) -> EngineError {
    EngineError::NotProven { reason: error.reason(), what: error.to_string() }
}
