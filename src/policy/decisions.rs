//! The cache of decisions. Exact: a key holds all that a decision depends on, compared in full, so a hit is what a new
//! decision would be.

use std::hash::{Hash, Hasher};

use quick_cache::{Equivalent, sync::Cache};

use super::Verdict;
use crate::{
    identity::Caller,
    method::{Attribute, Attributes, Method, ResourceKind},
};

/// How many decisions are kept, over all tenants.
const KEPT: usize = 8192;

/// All that a decision depends on.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The compiled policies, which cover tenant, revision, schema and claims' types.
    pub(super) generation: u64,
    pub(super) caller: &'a Caller,
    pub(super) method: &'static Method,
    pub(super) kind: ResourceKind,
    pub(super) name: &'a str,
    pub(super) attributes: &'a [Attribute],
}

/// The same, owned. The caller is held, so its address stays its own.
struct Key {
    generation: u64,
    caller: Caller,
    method: &'static Method,
    kind: ResourceKind,
    name: Box<str>,
    attributes: Attributes,
}

impl Key {
    fn asked(&self) -> Asked<'_> {
        Asked {
            generation: self.generation,
            caller: &self.caller,
            method: self.method,
            kind: self.kind,
            name: &self.name,
            attributes: &self.attributes,
        }
    }
}

impl Hash for Asked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.generation);
        state.write_usize(self.caller.address());
        self.method.action.hash(state);
        self.kind.hash(state);
        self.name.hash(state);
        self.attributes.hash(state);
    }
}

impl PartialEq for Asked<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.generation == other.generation
            && self.caller.address() == other.caller.address()
            && (std::ptr::eq(self.method, other.method) || self.method == other.method)
            && self.kind == other.kind
            && self.name == other.name
            && self.attributes == other.attributes
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.asked().hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.asked() == other.asked()
    }
}

impl Eq for Key {}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.asked()
    }
}

/// The cache, in shards, bounded.
pub(super) struct Decisions(Cache<Key, Verdict>);

impl Decisions {
    pub(super) fn new() -> Self {
        Self(Cache::new(KEPT))
    }

    /// The kept answer, or a new one.
    pub(super) fn get_or(&self, asked: &Asked<'_>, decide: impl FnOnce() -> Verdict) -> Verdict {
        if let Some(kept) = self.0.get(asked) {
            return kept;
        }
        let verdict = decide();
        let key = Key {
            generation: asked.generation,
            caller: asked.caller.clone(),
            method: asked.method,
            kind: asked.kind,
            name: asked.name.into(),
            attributes: asked.attributes.to_vec(),
        };
        self.0.insert(key, verdict.clone());
        verdict
    }
}
