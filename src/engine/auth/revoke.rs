//! Takes tokens back.

use keyward_sdk::{crypto::random, time::Timestamp};

use super::TOKENS;
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    identity::{IssuerRef, OwnToken, Principal, Revocation, Revoked, TokenId},
    keyring::Changes,
    method::{Action, Method, Name, TenantId, Tenantwide, rows},
    policy::Permit,
};

/// How many tokens the holders of a tenant's tokens may have taken back that would not have ended yet, and each of them.
const MOST_OF_ALL: usize = 10_000;
const MOST_OF_ONE: usize = 2_000;

/// Whose tokens.
#[derive(Clone, Debug)]
pub enum RevokeWhat {
    /// All of an issuer.
    Issuer(Name),
    /// One principal's: of an issuer, or by client certificate.
    Principal(Option<Name>, String),
    /// All in a role.
    Role(Name),
    /// The whole tenant's.
    Tenant,
    /// One, and what was narrowed from it.
    Token(TokenId),
}

/// Takes tokens back.
pub struct Revoke {
    /// Whose.
    pub what: RevokeWhat,
    /// Issued up to this moment; none: now.
    pub issued_before: Option<Timestamp>,
}

/// Takes the caller's own token back.
pub struct RevokeSelf;

impl Action for Revoke {
    const METHOD: &'static Method = &rows::auth::REVOKE;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        TOKENS
    }
}

impl Operation for Revoke {
    type Reply = Kept<()>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Kept<()>>, EngineError> {
        let tenant = permit.tenant();
        let what = match self.what.clone() {
            RevokeWhat::Issuer(name) => Revoked::Issuer(IssuerRef::Oidc(name)),
            RevokeWhat::Principal(issuer, subject) => {
                let issuer = issuer.map_or(IssuerRef::Certificate, IssuerRef::Oidc);
                Revoked::Principal(Principal { tenant, issuer, subject: subject.into() })
            }
            RevokeWhat::Role(name) => Revoked::Role(name),
            RevokeWhat::Tenant => Revoked::Tenant,
            RevokeWhat::Token(id) => Revoked::Token(id),
        };
        let now = world.clock.now();
        let issued_before = self.issued_before.unwrap_or(now);
        if issued_before > now {
            return Err(EngineError::invalid("issued_before", "lies in the future"));
        }
        store(permit.tenant(), &Revocation { what, issued_before, at: now, own: None })
    }
}

impl Action for RevokeSelf {
    const METHOD: &'static Method = &rows::auth::REVOKE_SELF;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        TOKENS
    }
}

impl Operation for RevokeSelf {
    type Reply = Kept<()>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Kept<()>>, EngineError> {
        let token =
            permit.caller().token().ok_or_else(|| EngineError::state("NO_TOKEN", "there is no token to revoke"))?;
        // Each holder of a token may do it as often as he narrows one, so there is an end to it, for one well before that
        // for all. A token that is not taken back ends by itself; operators have no such limit.
        let (by, ends) = (permit.caller().principal().clone(), token.expires_at);
        let limit = |limit| EngineError::Limit { what: "the number of tokens taken back", limit };
        if world.revocations.own_of(&by) >= MOST_OF_ONE {
            return Err(limit(MOST_OF_ONE as u64));
        }
        if world.revocations.own(permit.tenant()) >= MOST_OF_ALL {
            return Err(limit(MOST_OF_ALL as u64));
        }
        let own = Some(OwnToken { by, ends });
        let revocation = Revocation { own, ..Revocation::now(Revoked::Token(token.id), world.clock.now()) };
        store(permit.tenant(), &revocation)
    }
}

/// Adds to a change that all tokens of someone or something are taken back which were issued up to now.
pub(in crate::engine) fn revoke_all(
    changes: &mut Changes,
    tenant: TenantId,
    what: Revoked,
    now: Timestamp,
) -> Result<(), EngineError> {
    add(changes, tenant, &Revocation::now(what, now))
}

fn store(tenant: TenantId, revocation: &Revocation) -> Result<Done<Kept<()>>, EngineError> {
    let mut changes = Changes::new();
    add(&mut changes, tenant, revocation)?;
    Ok(Done::Change(changes, Kept(())))
}

fn add(changes: &mut Changes, tenant: TenantId, revocation: &Revocation) -> Result<(), EngineError> {
    let name = data_encoding::HEXLOWER.encode(&random::array::<16>());
    Ok(changes.put_control(tenant, &name, revocation)?)
}
