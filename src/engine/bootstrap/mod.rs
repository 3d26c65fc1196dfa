//! Bootstrap tokens: random, for one use within an hour, they log in the first operator of an installation or tenant,
//! and whoever recovered one. Only their hash is stored; using one is a compare-and-commit.

use data_encoding::BASE64URL_NOPAD;
use keyward_sdk::{
    crypto::{digest::sha256, random},
    secret::SecretString,
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{EngineError, World};
use crate::{
    identity::{RoleConfig, Scope},
    keyring::{Changes, ControlType},
    method::{Name, TenantId},
    policy::OPERATOR_ROLE,
};

/// How long one can be used.
pub const BOOTSTRAP_LIFE: Span = Span::from_hours(1);
/// How long an operator's token lives at most.
const OPERATOR_LIFE: Span = Span::from_hours(8);
/// What each begins with; the tenant's id and 32 random bytes follow.
const PREFIX: &str = "kwb1.";

/// What is stored of one, under the hash of its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BootstrapRecord {
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// The role that it gives.
    pub role: Name,
    /// What made it: `init`, `recover` or `tenant`.
    pub made_by: String,
}

impl ControlType for BootstrapRecord {
    const KIND: &'static str = "bootstrap";
}

/// Makes a token for the operator role of a tenant.
///
/// # Errors
/// [`EngineError`] when it cannot be stored.
pub fn make(
    changes: &mut Changes,
    tenant: TenantId,
    made_by: &str,
    now: Timestamp,
) -> Result<SecretString, EngineError> {
    let mut bytes = [0; 48];
    let (id, secret) = bytes.split_at_mut(16);
    id.copy_from_slice(&tenant.0);
    random::fill_fresh(secret);
    let text = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes));
    let role =
        OPERATOR_ROLE.parse().map_err(|_| EngineError::Internal("the operator role has a bad name".to_owned()))?;
    let record = BootstrapRecord { expires_at: now.saturating_add(BOOTSTRAP_LIFE), role, made_by: made_by.to_owned() };
    changes.put_control(tenant, &entry_name(&text), &record)?;
    SecretString::new(text).map_err(|error| EngineError::Internal(error.to_string()))
}

/// The role that operators act in, as it is made with a tenant and brought back when it was deleted.
///
/// # Errors
/// None but a bug.
pub fn operator_role() -> Result<RoleConfig, EngineError> {
    let name =
        OPERATOR_ROLE.parse().map_err(|_| EngineError::Internal("the operator role has a bad name".to_owned()))?;
    Ok(RoleConfig {
        name,
        description: "may do everything that the policy `operator` permits".to_owned(),
        max_life: OPERATOR_LIFE,
        bearer: false,
        scope: Scope::unlimited(),
    })
}

/// Adds to `changes` what makes the role that operators act in as it was at first; false where it is so already.
///
/// # Errors
/// When it cannot be encoded.
pub fn put_role_back(
    world: &World,
    tenant: TenantId,
    role: &RoleConfig,
    changes: &mut Changes,
) -> Result<bool, EngineError> {
    let name = role.name.as_str();
    let differs = world.tables.roles.get(tenant, name).is_none_or(|stored| *stored != *role);
    if differs {
        changes.put_control(tenant, name, role)?;
    }
    Ok(differs)
}

/// Finds a token that can still be used, and adds its end to `changes`.
///
/// # Errors
/// [`EngineError::NotProven`] when there is none like it.
pub fn spend(
    world: &World,
    text: &SecretString,
    changes: &mut Changes,
) -> Result<(TenantId, BootstrapRecord), EngineError> {
    let unknown = || EngineError::NotProven {
        reason: "BOOTSTRAP_TOKEN_UNKNOWN",
        what: "this token is not known, was used, or is older than an hour; make one with `keyward operator recover`"
            .to_owned(),
    };
    let tenant = tenant_of(text.expose()).ok_or_else(unknown)?;
    let name = entry_name(text.expose());
    let record = world.tables.bootstraps.get(tenant, &name).ok_or_else(unknown)?;
    changes.delete_control::<BootstrapRecord>(tenant, &name);
    if record.expires_at <= world.clock.now() {
        return Err(unknown());
    }
    Ok((tenant, (*record).clone()))
}

fn tenant_of(text: &str) -> Option<TenantId> {
    let bytes = BASE64URL_NOPAD.decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?;
    let (tenant, secret) = bytes.split_first_chunk::<16>()?;
    (secret.len() == 32).then_some(TenantId(*tenant))
}

/// The hash of the whole text: nothing in the store can be used as a token.
fn entry_name(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&sha256(text.as_bytes()))
}
