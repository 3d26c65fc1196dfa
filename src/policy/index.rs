//! Which statements must be looked at for a request: the slice.
//!
//! INVARIANT (slice): a statement outside of the slice cannot apply, because a part of its scope does not match, and Cedar
//! looks at a condition only when the whole scope matches; so leaving it out changes neither the decision nor the errors.
//! The slice may hold more than it must. Every `forbid` is always in it.

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{ActionConstraint, Effect, EntityUid, PrincipalConstraint, ResourceConstraint};

use super::{PolicySchema, parse::Statement, schema::ActionWord, subject::folders};

/// The index of a tenant's statements, by their places.
#[derive(Debug, Default)]
pub(super) struct Index {
    always: Vec<u32>,
    /// Permits for any principal, or for any of a type.
    open: ByResource,
    /// Permits for one principal, or for those in one role, issuer or authority.
    principals: HashMap<EntityUid, ByResource>,
    /// For each statement the numbers of the actions it is for, in order; none means all.
    actions: Vec<Option<Box<[u16]>>>,
}

#[derive(Debug, Default)]
struct ByResource {
    any: Vec<u32>,
    /// By the id that the resource scope names, whatever its type.
    named: HashMap<Box<str>, Vec<u32>>,
}

impl Index {
    pub(super) fn new(schema: &PolicySchema, statements: &[Statement]) -> Self {
        let mut index = Self::default();
        for (place, Statement { cedar, .. }) in (0..).zip(statements) {
            index.actions.push(actions(schema, &cedar.action_constraint()));
            if cedar.effect() == Effect::Forbid {
                index.always.push(place);
                continue;
            }
            let bucket = match principal_key(&cedar.principal_constraint()) {
                Some(key) => index.principals.entry(key).or_default(),
                None => &mut index.open,
            };
            match resource_key(&cedar.resource_constraint()) {
                Some(key) => bucket.named.entry(key.id().unescaped().into()).or_default().push(place),
                None => bucket.any.push(place),
            }
        }
        index
    }

    /// The places of the statements to look at, in ascending order.
    pub(super) fn slice(&self, principal: &[EntityUid], action: &ActionWord, resource: &str) -> Box<[u32]> {
        let mut slice = Vec::with_capacity(self.always.len() + 8);
        let buckets = principal.iter().filter_map(|key| self.principals.get(key)).chain(std::iter::once(&self.open));
        for bucket in buckets {
            slice.extend_from_slice(&bucket.any);
            if bucket.named.is_empty() {
                continue;
            }
            // A resource without folders is found by its name alone, which is among these.
            for name in folders(resource).chain(resource.is_empty().then_some("")) {
                slice.extend(bucket.named.get(name).into_iter().flatten());
            }
        }
        slice.retain(|place| self.is_for(*place, action));
        slice.extend_from_slice(&self.always);
        slice.sort_unstable();
        slice.into()
    }

    /// Whether the action scope of a statement matches.
    pub(super) fn is_for(&self, place: u32, action: &ActionWord) -> bool {
        let known = usize::try_from(place).ok().and_then(|place| self.actions.get(place));
        known.is_none_or(|actions| actions.as_ref().is_none_or(|numbers| numbers.binary_search(&action.number).is_ok()))
    }
}

/// The one entity that a principal must be or be in, where the scope names one.
pub(super) fn principal_key(constraint: &PrincipalConstraint) -> Option<EntityUid> {
    match constraint {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
        PrincipalConstraint::Eq(uid) | PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) => {
            Some(uid.clone())
        }
    }
}

/// The one entity that a resource must be or be in, where the scope names one.
pub(super) fn resource_key(constraint: &ResourceConstraint) -> Option<EntityUid> {
    match constraint {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => None,
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
            Some(uid.clone())
        }
    }
}

fn actions(schema: &PolicySchema, constraint: &ActionConstraint) -> Option<Box<[u16]>> {
    let named: &[EntityUid] = match constraint {
        ActionConstraint::Any => return None,
        ActionConstraint::Eq(uid) => std::slice::from_ref(uid),
        ActionConstraint::In(uids) => uids,
    };
    let matching = schema.actions().filter(|word| named.iter().any(|uid| word.lineage.contains(uid)));
    let numbers: BTreeSet<u16> = matching.map(|word| word.number).collect();
    Some(numbers.into_iter().collect())
}
