//! Whether someone is left who can write policies.

use std::collections::BTreeSet;

use cedar_policy::{ActionConstraint, Effect, EntityUid, PrincipalConstraint, ResourceConstraint};

use super::{
    ASSUME, Policies,
    schema::{ActionWord, uid},
};
use crate::method::{Name, ResourceKind};

/// The role that the first operator and `keyward operator recover` get. It can always be taken.
pub const OPERATOR_ROLE: &str = "operator";

/// The action of changing a policy.
pub const WRITE_POLICY: &str = "policy.write";

/// Whether, under these policies and with these roles and issuers, someone can still write policies. Errs on the side of no: a
/// `permit` with a condition does not count and a `forbid` with one does, so a change that is refused for it may have to be
/// forced.
///
/// There must be a `permit` without conditions for writing any policy, for a role that is `operator`, or that some `permit`
/// lets someone assume (of an issuer that exists, where it names one), and no `forbid` against the same. `roles` are those
/// that exist and can write policies as far as they themselves say.
#[must_use]
pub fn someone_can_write_policies(policies: &Policies, roles: &BTreeSet<Name>, issuers: &BTreeSet<Name>) -> bool {
    let schema = policies.schema();
    let (Some(write), Some(assume)) =
        (schema.action(WRITE_POLICY, ResourceKind::Policy), schema.action(ASSUME, ResourceKind::Role))
    else {
        return false;
    };
    let role_type = &schema.types().role;
    // `Issuer::"name"` and `Principal::"oidc/name/subject"`.
    let is_gone = |whose: &EntityUid| {
        let (types, id): (_, &str) = (schema.types(), whose.id().as_ref());
        let issuer = if *whose.type_name() == types.issuer {
            Some(id)
        } else if *whose.type_name() == types.principal {
            id.strip_prefix("oidc/").map(|rest| rest.split_once('/').map_or(rest, |(issuer, _)| issuer))
        } else {
            None
        };
        issuer.is_some_and(|issuer| !issuers.iter().any(|known| known.as_str() == issuer))
    };
    let can_be_taken = |role: &EntityUid| {
        policies.statements().iter().any(|statement| permits_taking(&statement.cedar, assume, role, is_gone))
    };
    let mut takeable = roles
        .iter()
        .map(|role| (role.as_str() == OPERATOR_ROLE, uid(role_type, role.as_str())))
        .filter_map(|(is_operator, role)| (is_operator || can_be_taken(&role)).then_some(role));
    let about = |effect, role: &EntityUid| {
        let about = policies.statements().iter().map(|statement| &statement.cedar);
        about.filter(|cedar| cedar.effect() == effect && is_about_all_policies(cedar, write, role)).collect::<Vec<_>>()
    };
    let permits = |role: &EntityUid| about(Effect::Permit, role).iter().any(|cedar| !cedar.has_non_scope_constraint());
    policies.is_readable() && takeable.any(|role| permits(&role) && about(Effect::Forbid, &role).is_empty())
}

/// Whether a statement, with or without conditions, is about everyone in `role` writing any policy.
fn is_about_all_policies(policy: &cedar_policy::Policy, write: &ActionWord, role: &EntityUid) -> bool {
    let principal = match policy.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => true,
        PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) => uid == *role,
        PrincipalConstraint::Eq(_) => false,
    };
    let resource = match policy.resource_constraint() {
        ResourceConstraint::Any => true,
        ResourceConstraint::Is(kind) => kind.basename() == ResourceKind::Policy.entity_type(),
        ResourceConstraint::Eq(_) | ResourceConstraint::In(_) | ResourceConstraint::IsIn(..) => false,
    };
    principal && resource && covers(&policy.action_constraint(), write)
}

/// Whether a `permit`, with or without conditions, is about taking `role`.
fn permits_taking(
    policy: &cedar_policy::Policy,
    assume: &ActionWord,
    role: &EntityUid,
    is_gone: impl Fn(&EntityUid) -> bool,
) -> bool {
    let nobody = match policy.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => false,
        PrincipalConstraint::In(uid) | PrincipalConstraint::Eq(uid) | PrincipalConstraint::IsIn(_, uid) => {
            // Nobody is in a role while taking one.
            uid.type_name() == role.type_name() || is_gone(&uid)
        }
    };
    let resource = match policy.resource_constraint() {
        ResourceConstraint::Any => true,
        ResourceConstraint::Is(kind) => kind == *role.type_name(),
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => uid == *role,
    };
    policy.effect() == Effect::Permit && !nobody && resource && covers(&policy.action_constraint(), assume)
}

fn covers(constraint: &ActionConstraint, action: &ActionWord) -> bool {
    match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => *uid == action.entity.uid(),
        ActionConstraint::In(uids) => uids.iter().any(|uid| action.lineage.contains(uid)),
    }
}
