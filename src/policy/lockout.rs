//! Whether someone is left who can write policies.

use std::collections::BTreeSet;

use cedar_policy::{ActionConstraint, Effect, EntityUid, PrincipalConstraint as Principals, ResourceConstraint};

use super::{
    ASSUME, Policies,
    schema::{ActionWord, Types, uid},
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
/// lets someone assume (of an issuer that exists, where it names one), and no `forbid` against either of those: for the role,
/// for everyone, or for whoever may take it. `roles` are those that exist and can write policies as far as they themselves
/// say.
#[must_use]
pub fn someone_can_write_policies(policies: &Policies, roles: &BTreeSet<Name>, issuers: &BTreeSet<Name>) -> bool {
    let schema = policies.schema();
    let (Some(write), Some(assume)) =
        (schema.action(WRITE_POLICY, ResourceKind::Policy), schema.action(ASSUME, ResourceKind::Role))
    else {
        return false;
    };
    let types = schema.types();
    let statements = || policies.statements().iter().map(|statement| &statement.cedar);
    policies.is_readable()
        && roles.iter().any(|name| {
            let role = uid(&types.role, name.as_str());
            let permitted = statements().any(|cedar| {
                let whom = matches!(cedar.principal_constraint(), Principals::Any | Principals::Is(_))
                    || in_group(&cedar.principal_constraint()).is_some_and(|group| *group == role);
                cedar.effect() == Effect::Permit
                    && !cedar.has_non_scope_constraint()
                    && whom
                    && is_about_all_policies(cedar, write)
            });
            let forbidden = |who: &Who| {
                statements().any(|cedar| {
                    let group = in_group(&cedar.principal_constraint()).is_some_and(|group| *group == role);
                    cedar.effect() == Effect::Forbid
                        && (group || who.may_be(&cedar.principal_constraint(), types))
                        && is_about_all_policies(cedar, write)
                })
            };
            let can_take = |who: &Who| {
                *who == Who::Operator
                    || !statements().any(|cedar| {
                        cedar.effect() == Effect::Forbid
                            && who.may_be(&cedar.principal_constraint(), types)
                            && is_about_taking(cedar, assume, &role)
                    })
            };
            let operator = (name.as_str() == OPERATOR_ROLE).then_some(Who::Operator);
            let takers = statements()
                .filter(|cedar| cedar.effect() == Effect::Permit && is_about_taking(cedar, assume, &role))
                .filter_map(|cedar| Who::named(&cedar.principal_constraint(), types, issuers));
            permitted && takers.chain(operator).any(|who| can_take(&who) && !forbidden(&who))
        })
}

/// Who may take a role.
#[derive(Debug, PartialEq, Eq)]
enum Who {
    /// Whoever holds a token of `operator init` or `operator recover`.
    Operator,
    /// Anyone, or anyone of whom a condition says more.
    Anyone,
    /// One principal, all of an issuer, or all that an authority vouches for.
    These(EntityUid),
}

impl Who {
    /// Whom a `permit` for taking a role names; none where that is nobody.
    fn named(principals: &Principals, types: &Types, issuers: &BTreeSet<Name>) -> Option<Self> {
        let uid = match principals {
            Principals::Any | Principals::Is(_) => return Some(Self::Anyone),
            Principals::Eq(uid) | Principals::In(uid) | Principals::IsIn(_, uid) => uid,
        };
        let id: &str = uid.id().as_ref();
        let issuer = if *uid.type_name() == types.issuer {
            Some(id)
        } else if *uid.type_name() == types.principal {
            id.strip_prefix("oidc/").map(first_part)
        } else {
            None
        };
        let is_gone = issuer.is_some_and(|issuer| !issuers.iter().any(|known| known.as_str() == issuer));
        // Nobody is in a role while taking one.
        (*uid.type_name() != types.role && !is_gone).then(|| Self::These(uid.clone()))
    }

    /// Whether what a `forbid` says of these principals may be said of all of them.
    fn may_be(&self, principals: &Principals, types: &Types) -> bool {
        let uid = match principals {
            Principals::Any | Principals::Is(_) => return true,
            Principals::Eq(uid) | Principals::In(uid) | Principals::IsIn(_, uid) => uid,
        };
        if *uid.type_name() == types.role {
            return false;
        }
        // Of `oidc/ISSUER/SUBJECT` an issuer is named, of `AUTHORITY/SUBJECT` an authority.
        let named: &str = uid.id().as_ref();
        let vouched = |id: &str| match id.strip_prefix("oidc/") {
            Some(rest) => *uid.type_name() == types.issuer && named == first_part(rest),
            None => *uid.type_name() == types.authority && named == first_part(id),
        };
        match self {
            Self::Anyone => true,
            Self::Operator => {
                let one = *uid.type_name() == types.principal && first_part(named) == OPERATOR_ROLE;
                one || vouched(OPERATOR_ROLE)
            }
            Self::These(these) => these == uid || *these.type_name() == types.principal && vouched(these.id().as_ref()),
        }
    }
}

/// What stands before the first slash.
fn first_part(id: &str) -> &str {
    id.split_once('/').map_or(id, |(first, _)| first)
}

/// The role, issuer or authority that a statement is about the members of.
fn in_group(principals: &Principals) -> Option<&EntityUid> {
    match principals {
        Principals::In(uid) | Principals::IsIn(_, uid) => Some(uid),
        Principals::Any | Principals::Is(_) | Principals::Eq(_) => None,
    }
}

/// Whether a statement is about writing any policy.
fn is_about_all_policies(policy: &cedar_policy::Policy, write: &ActionWord) -> bool {
    let resource = match policy.resource_constraint() {
        ResourceConstraint::Any => true,
        ResourceConstraint::Is(kind) => kind.basename() == ResourceKind::Policy.entity_type(),
        ResourceConstraint::Eq(_) | ResourceConstraint::In(_) | ResourceConstraint::IsIn(..) => false,
    };
    resource && covers(&policy.action_constraint(), write)
}

/// Whether a statement is about taking `role`.
fn is_about_taking(policy: &cedar_policy::Policy, assume: &ActionWord, role: &EntityUid) -> bool {
    let resource = match policy.resource_constraint() {
        ResourceConstraint::Any => true,
        ResourceConstraint::Is(kind) => kind == *role.type_name(),
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => uid == *role,
    };
    resource && covers(&policy.action_constraint(), assume)
}

fn covers(constraint: &ActionConstraint, action: &ActionWord) -> bool {
    match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => *uid == action.entity.uid(),
        ActionConstraint::In(uids) => uids.iter().any(|uid| action.lineage.contains(uid)),
    }
}
