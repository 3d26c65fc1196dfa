//! Principals and resources as Cedar sees them.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression};

use super::{
    PolicySchema,
    schema::{Types, in_folders, uid},
};
use crate::{
    identity::{Caller, ClaimValue, Claims, IssuerRef, Principal},
    method::{Attribute, Name, ResourceKind},
};

/// A principal in a role, or in none, with its claims: built once for each caller and kept.
#[derive(Clone, Debug)]
pub struct Subject {
    uid: EntityUid,
    /// All that a principal scope may name and match: itself and what it is in.
    keys: Vec<EntityUid>,
    entities: Entities,
    anonymous: bool,
}

/// Why a principal has no entity. Never seen unless Cedar changes what it takes.
#[derive(Debug, thiserror::Error)]
#[error("making the entity of a principal: {0}")]
pub struct SubjectError(String);

impl Subject {
    /// The subject of a principal. At `assume` the role is none.
    ///
    /// # Errors
    /// [`SubjectError`] when Cedar refuses the entity.
    pub fn new(
        schema: &PolicySchema,
        principal: &Principal,
        role: Option<&Name>,
        claims: &Claims,
    ) -> Result<Self, SubjectError> {
        let types = schema.types();
        let uid = principal_uid(types, principal);
        let mut parents = HashSet::new();
        let mut attributes = HashMap::from([
            ("subject".to_owned(), RestrictedExpression::new_string(principal.subject.as_ref().to_owned())),
            ("claims".to_owned(), claims_record(claims)?),
        ]);
        let mut belongs = |name: &str, group: EntityUid| {
            attributes.insert(name.to_owned(), RestrictedExpression::new_entity_uid(group.clone()));
            parents.insert(group);
        };
        match (&principal.issuer, authority(&principal.issuer)) {
            (IssuerRef::Oidc(name), _) => belongs("issuer", super::schema::uid(&types.issuer, name.as_str())),
            (_, Some(authority)) => belongs("authority", super::schema::uid(&types.authority, authority)),
            (_, None) => {}
        }
        if let Some(role) = role {
            belongs("role", super::schema::uid(&types.role, role.as_str()));
        }
        if let (IssuerRef::Node, Some((cluster, _))) = (&principal.issuer, principal.subject.split_once('/')) {
            let cluster = super::schema::uid(&types.cluster, cluster);
            attributes.insert("cluster".to_owned(), RestrictedExpression::new_entity_uid(cluster));
        }
        let keys = std::iter::once(&uid).chain(&parents).cloned().collect();
        let entity = Entity::new(uid.clone(), attributes, parents).map_err(|error| SubjectError(error.to_string()))?;
        let entities = Entities::from_entities([entity], None).map_err(|error| SubjectError(error.to_string()))?;
        Ok(Self { uid, keys, entities, anonymous: principal.issuer == IssuerRef::Anonymous })
    }

    /// The subject of an identified caller, in its role.
    ///
    /// # Errors
    /// [`SubjectError`] when Cedar refuses the entity.
    pub fn of(schema: &PolicySchema, caller: &Caller) -> Result<Self, SubjectError> {
        Self::new(schema, caller.principal(), caller.role(), caller.claims())
    }

    pub(super) fn uid(&self) -> &EntityUid {
        &self.uid
    }

    pub(super) fn keys(&self) -> &[EntityUid] {
        &self.keys
    }

    pub(super) fn entities(&self) -> &Entities {
        &self.entities
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.anonymous
    }
}

/// The entity of a resource with all the folders it lies in.
pub(super) fn resource(
    types: &Types,
    kind: ResourceKind,
    name: &str,
    attributes: &[Attribute],
) -> Option<(EntityUid, Entity)> {
    let id = types.resource(kind, name)?;
    let folders = if in_folders(kind) {
        folders(name).map(|folder| uid(&types.folder, folder)).collect()
    } else {
        HashSet::new()
    };
    let mut record = HashMap::from([("name".to_owned(), RestrictedExpression::new_string(name.to_owned()))]);
    for attribute in attributes {
        let (key, value) = match attribute {
            Attribute::Bool(key, value) => (key, RestrictedExpression::new_bool(*value)),
            Attribute::Long(key, value) => (key, RestrictedExpression::new_long(*value)),
            Attribute::Text(key, value) => (key, RestrictedExpression::new_string(value.clone())),
        };
        record.insert((*key).to_owned(), value);
    }
    let entity = Entity::new(id.clone(), record, folders).ok()?;
    Some((id, entity))
}

/// The folders that a thing of this name is in: `/`, those above it, and the one of its own name. So what a policy says
/// of `Folder::"prod/db"` holds for a list of that folder, and for what has exactly this name, as in a token's scope.
pub(super) fn folders(name: &str) -> impl Iterator<Item = &str> {
    let above = name.match_indices('/').filter_map(move |(at, _)| name.get(..at));
    std::iter::once("/").chain(above).chain((!name.is_empty()).then_some(name))
}

/// The id is unambiguous: the first part is from a fixed list, and the name of an issuer has no slash.
fn principal_uid(types: &Types, principal: &Principal) -> EntityUid {
    let subject = &principal.subject;
    let id = match (&principal.issuer, authority(&principal.issuer)) {
        (IssuerRef::Oidc(name), _) => format!("oidc/{name}/{subject}"),
        (_, Some(authority)) => format!("{authority}/{subject}"),
        (_, None) => format!("anonymous/{subject}"),
    };
    uid(&types.principal, &id)
}

/// The id of the `Authority` that vouches for a principal without an OIDC issuer.
fn authority(issuer: &IssuerRef) -> Option<&'static str> {
    match issuer {
        IssuerRef::Anonymous | IssuerRef::Oidc(_) => None,
        IssuerRef::Certificate => Some("certificate"),
        IssuerRef::LocalUser => Some("local-user"),
        IssuerRef::Node => Some("node"),
        IssuerRef::Operator => Some("operator"),
    }
}

fn claims_record(claims: &Claims) -> Result<RestrictedExpression, SubjectError> {
    let fields = claims.iter().map(|(name, value)| {
        let value = match value {
            ClaimValue::Bool(value) => RestrictedExpression::new_bool(*value),
            ClaimValue::Long(value) => RestrictedExpression::new_long(*value),
            ClaimValue::Text(value) => RestrictedExpression::new_string(value.clone()),
            ClaimValue::Texts(values) => {
                RestrictedExpression::new_set(values.iter().cloned().map(RestrictedExpression::new_string))
            }
        };
        (name.clone(), value)
    });
    RestrictedExpression::new_record(fields).map_err(|error| SubjectError(error.to_string()))
}
