//! The vocabulary of a tenant's policies: the schema file of the repository, the claims that the tenant's issuers declare,
//! and the actions of the method table. Policies and table cannot disagree, since the actions are made from the table.
//!
//! Actions are grouped by the part before the dot (`secret.read` is in `secret`). There are no groups `read` and `write`:
//! the table's audit class `read` holds reading secrets and decrypting, which is not what a reader of a policy would take
//! `Action::"read"` for.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt::Write,
};

use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, Schema, SchemaFragment, Validator};
use keyward_kit::nearest;

use crate::{
    identity::ClaimType,
    method::{Access, Method, Name, ResourceKind},
};

/// The action that is asked at login: may this principal take this role?
pub const ASSUME: &str = "assume";

const FIXED: &str = include_str!("keyward.cedarschema");

/// The claims that each issuer of a tenant declares.
pub type Declarations = BTreeMap<Name, BTreeMap<String, ClaimType>>;

/// Why there is no schema for these declarations.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Cedar does not take it: a mistake in the schema file or in the table.
    #[error("making the policy schema: {0}")]
    Cedar(String),
    /// A claim's name cannot be written in a policy.
    #[error(
        "issuer `{0}`: claim {1:?} cannot be named in policies; use 1 to 128 visible ASCII characters except `\"` and `\\`"
    )]
    ClaimName(Name, String),
    /// Two issuers declare a claim with two types, so `principal.claims` has no type.
    #[error(
        "claim `{claim}` is declared with one type by issuer `{first}` and with another by `{second}`; declare it alike"
    )]
    ClaimTypes {
        /// The claim.
        claim: String,
        /// One issuer.
        first: Name,
        /// The other.
        second: Name,
    },
}

/// What a tenant's policies may name.
#[derive(Debug)]
pub struct PolicySchema {
    text: String,
    validator: Validator,
    actions: HashMap<&'static str, ActionWord>,
    types: Types,
    claims: BTreeSet<String>,
    attributes: BTreeSet<String>,
    issuers: BTreeSet<Name>,
}

/// One action, ready for decisions.
#[derive(Debug)]
pub(super) struct ActionWord {
    /// Its place among all, for small sets.
    pub(super) number: u16,
    pub(super) entity: Entity,
    /// Itself and the groups it is in.
    pub(super) lineage: HashSet<EntityUid>,
    kinds: BTreeSet<ResourceKind>,
}

/// The entity types, parsed once.
#[derive(Debug)]
pub(super) struct Types {
    pub(super) authority: EntityTypeName,
    pub(super) cluster: EntityTypeName,
    pub(super) folder: EntityTypeName,
    pub(super) issuer: EntityTypeName,
    pub(super) principal: EntityTypeName,
    pub(super) role: EntityTypeName,
    kinds: BTreeMap<ResourceKind, EntityTypeName>,
}

impl PolicySchema {
    /// The schema of the rows of a method table and the claims of a tenant's issuers.
    ///
    /// # Errors
    /// [`SchemaError`] when two issuers disagree, or a name cannot be written.
    pub fn new(methods: &[&'static Method], issuers: &Declarations) -> Result<Self, SchemaError> {
        let mut words: BTreeMap<&'static str, BTreeSet<ResourceKind>> = BTreeMap::new();
        for row in methods.iter().filter(|row| row.access == Access::Caller) {
            words.entry(row.action).or_default().insert(row.resource);
        }
        words.entry(ASSUME).or_default().insert(ResourceKind::Role);
        let text = format!("{FIXED}\n{}\n{}", claims_text(issuers)?, actions_text(&words));
        let cedar = |error: &dyn std::fmt::Display| SchemaError::Cedar(error.to_string());
        let schema = Schema::from_cedarschema_str(&text).map_err(|e| cedar(&miette_words(&e)))?.0;
        let types = Types::new(words.values().flatten().copied())?;
        let hierarchy = schema.action_entities().map_err(|e| cedar(&e))?;
        let mut actions = HashMap::new();
        let action_type: EntityTypeName = "Action".parse().map_err(|e| cedar(&e))?;
        for (number, (word, kinds)) in (0..).zip(words) {
            let uid = EntityUid::from_type_name_and_id(action_type.clone(), EntityId::new(word));
            let mut lineage: HashSet<EntityUid> = hierarchy.ancestors(&uid).into_iter().flatten().cloned().collect();
            lineage.insert(uid.clone());
            let groups = lineage.iter().filter(|group| **group != uid).cloned().collect();
            let entity = Entity::new_no_attrs(uid, groups);
            actions.insert(word, ActionWord { number, entity, lineage, kinds });
        }
        let claims = issuers.values().flat_map(BTreeMap::keys).cloned().collect();
        let (attributes, issuers) = (attributes(&text)?, issuers.keys().cloned().collect());
        Ok(Self { issuers, text, validator: Validator::new(schema), actions, types, claims, attributes })
    }

    /// The whole schema in Cedar's syntax, for people and editors.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn validator(&self) -> &Validator {
        &self.validator
    }

    /// The action, if it exists for resources of this kind.
    pub(super) fn action(&self, action: &str, kind: ResourceKind) -> Option<&ActionWord> {
        self.actions.get(action).filter(|word| word.kinds.contains(&kind))
    }

    /// The kinds of resource that an action is for; none when there is no such action.
    pub fn kinds(&self, action: &str) -> impl Iterator<Item = ResourceKind> {
        self.actions.get(action).into_iter().flat_map(|word| word.kinds.iter().copied())
    }

    pub(super) fn actions(&self) -> impl Iterator<Item = &ActionWord> {
        self.actions.values()
    }

    /// The known action that looks most like this one.
    pub(super) fn nearest_action(&self, asked: &str) -> Option<&'static str> {
        // In order, so that of two that are as like always the same one is named.
        nearest(asked, self.actions.keys().copied().collect::<BTreeSet<_>>())
    }

    /// Whether any issuer declares such a claim, or any entity has such an attribute.
    pub(super) fn has_attribute(&self, claim: bool, name: &str) -> bool {
        if claim { self.claims.contains(name) } else { self.attributes.contains(name) }
    }

    /// Whether the tenant has such an issuer.
    pub(super) fn knows_issuer(&self, name: &Name) -> bool {
        self.issuers.contains(name)
    }

    pub(super) fn types(&self) -> &Types {
        &self.types
    }
}

impl Types {
    fn new(kinds: impl Iterator<Item = ResourceKind>) -> Result<Self, SchemaError> {
        let parse = |name: &str| name.parse().map_err(|error| SchemaError::Cedar(format!("{name}: {error}")));
        Ok(Self {
            authority: parse("Authority")?,
            cluster: parse("Cluster")?,
            folder: parse("Folder")?,
            issuer: parse("Issuer")?,
            principal: parse("Principal")?,
            role: parse("Role")?,
            kinds: kinds.map(|kind| Ok((kind, parse(kind.entity_type())?))).collect::<Result<_, SchemaError>>()?,
        })
    }

    pub(super) fn resource(&self, kind: ResourceKind, name: &str) -> Option<EntityUid> {
        self.kinds.get(&kind).map(|kind| uid(kind, name))
    }
}

/// The entity of a type with this id.
pub(super) fn uid(of: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id))
}

/// Whether things of this kind have paths, and so lie in folders.
pub(super) fn in_folders(kind: ResourceKind) -> bool {
    matches!(kind, ResourceKind::Key | ResourceKind::Secret)
}

/// The names of all attributes of all entities.
fn attributes(text: &str) -> Result<BTreeSet<String>, SchemaError> {
    let cedar = |error: &dyn std::fmt::Display| SchemaError::Cedar(error.to_string());
    let (fragment, _) = SchemaFragment::from_cedarschema_str(text).map_err(|e| cedar(&e))?;
    let json = fragment.to_json_value().map_err(|e| cedar(&e))?;
    let types = json.get("").and_then(|namespace| namespace.get("entityTypes")).and_then(serde_json::Value::as_object);
    let shapes =
        types.into_iter().flat_map(serde_json::Map::values).filter_map(|of| of.get("shape")?.get("attributes"));
    Ok(shapes.filter_map(serde_json::Value::as_object).flat_map(serde_json::Map::keys).cloned().collect())
}

fn claims_text(issuers: &Declarations) -> Result<String, SchemaError> {
    let mut all: BTreeMap<&str, (&Name, ClaimType)> = BTreeMap::new();
    for (issuer, claims) in issuers {
        for (claim, declared) in claims {
            let fits = (1..=128).contains(&claim.len())
                && claim.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'));
            if !fits {
                return Err(SchemaError::ClaimName(issuer.clone(), claim.chars().take(40).collect()));
            }
            let (first, known) = *all.entry(claim).or_insert((issuer, *declared));
            if known != *declared {
                let (first, second) = (first.clone(), issuer.clone());
                return Err(SchemaError::ClaimTypes { claim: claim.clone(), first, second });
            }
        }
    }
    let mut text = "// The claims that the issuers of this tenant declare.\ntype Claims = {\n".to_owned();
    for (claim, (_, declared)) in all {
        let cedar = match declared {
            ClaimType::Bool => "Bool",
            ClaimType::Long => "Long",
            ClaimType::Text => "String",
            ClaimType::Texts => "Set<String>",
        };
        let _ = writeln!(text, "    \"{claim}\"?: {cedar},");
    }
    text.push_str("};\n");
    Ok(text)
}

fn actions_text(words: &BTreeMap<&'static str, BTreeSet<ResourceKind>>) -> String {
    let mut text = "// The actions of the method table, in groups by the part before the dot.\n".to_owned();
    let groups: BTreeSet<&str> =
        words.keys().flat_map(|word| word.match_indices('.').filter_map(|(at, _)| word.get(..at))).collect();
    let parent = |word: &str| word.rsplit_once('.').map_or_else(String::new, |(group, _)| format!(" in [\"{group}\"]"));
    for group in groups.iter().filter(|group| !words.contains_key(**group)) {
        let _ = writeln!(text, "action \"{group}\"{};", parent(group));
    }
    for (word, kinds) in words {
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.entity_type()).collect();
        let (parent, kinds) = (parent(word), kinds.join(", "));
        let _ =
            writeln!(text, "action \"{word}\"{parent} appliesTo {{ principal: [Principal], resource: [{kinds}] }};");
    }
    text
}

fn miette_words(error: &dyn miette::Diagnostic) -> String {
    match error.help() {
        Some(help) => format!("{error}; {help}"),
        None => error.to_string(),
    }
}
