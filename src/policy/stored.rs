//! Policies as control entries.

use keyward_sdk::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{OPERATOR_POLICY, OPERATOR_ROLE, PolicyText};
use crate::{
    keyring::{Changes, ControlType, VaultError},
    method::{NameError, TenantId},
};

/// A policy in the store, under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// Name and statements.
    pub policy: PolicyText,
    /// When it was written.
    pub updated_at: Timestamp,
}

impl ControlType for PolicyRecord {
    const KIND: &'static str = "policy";
}

/// The policies of a new tenant: the operator's.
///
/// # Errors
/// [`VaultError`] when they cannot be encoded.
pub fn first_policies(changes: &mut Changes, tenant: TenantId, now: Timestamp) -> Result<(), VaultError> {
    let name = OPERATOR_ROLE.parse().map_err(|error: NameError| VaultError::Format {
        place: "the operator policy".to_owned(),
        why: error.to_string(),
    })?;
    let policy = PolicyText { name, text: OPERATOR_POLICY.to_owned() };
    changes.put_control(tenant, OPERATOR_ROLE, &PolicyRecord { policy, updated_at: now })
}
