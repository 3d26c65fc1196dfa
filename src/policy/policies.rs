//! The policies of one tenant at one revision, compiled.

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use cedar_policy::{Authorizer, Context, Decision, Effect, PolicySet, Request, Response};
use quick_cache::sync::Cache;

use super::{
    Denial, Denied, MAX_POLICIES, PolicyId, PolicyIds, PolicySchema, Problem, Problems, Subject, Verdict,
    index::Index,
    parse::{self, Statement},
    schema::ASSUME,
    subject, validate,
};
use crate::{
    identity::{Claims, Principal},
    method::{Attribute, Name, ResourceKind},
};

/// How many different slices are kept as sets.
const KEPT_SLICES: usize = 512;

/// A policy as it is stored: a name and one or several statements.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PolicyText {
    /// Its name in the tenant.
    pub name: Name,
    /// Cedar, at most [`super::MAX_TEXT_BYTES`].
    pub text: String,
}

/// What is asked of the policies.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The action of the method table, or [`ASSUME`].
    pub action: &'a str,
    /// What kind of thing it is about.
    pub kind: ResourceKind,
    /// Its name; empty for all of the kind.
    pub name: &'a str,
    /// What is known of it.
    pub attributes: &'a [Attribute],
}

/// One tenant's policies. Never changes: a change makes a new one.
pub struct Policies {
    schema: Arc<PolicySchema>,
    revision: u64,
    generation: u64,
    statements: Vec<Statement>,
    index: Index,
    slices: Cache<Box<[u32]>, Arc<PolicySet>>,
    /// Policies in the store that are no Cedar text. What they forbid is unknown, so while there are any, all is refused.
    unreadable: Vec<PolicyId>,
}

impl Policies {
    /// Compiles policies that are about to be written: everything must parse and be valid.
    ///
    /// # Errors
    /// [`Problems`], all of them at once, with line and column.
    pub fn compile(schema: Arc<PolicySchema>, texts: &[PolicyText], revision: u64) -> Result<Self, Problems> {
        let (policies, problems) = Self::load(schema, texts, revision);
        if problems.0.is_empty() { Ok(policies) } else { Err(problems) }
    }

    /// Compiles policies out of the store. They were valid when they were written; where schema or version have changed
    /// since, this fails closed: a `permit` that is no longer valid is left out, a `forbid` is kept and evaluated all the
    /// same, and a text that is no longer Cedar refuses everything. The problems are for the log and the status.
    #[must_use]
    pub fn load(schema: Arc<PolicySchema>, texts: &[PolicyText], revision: u64) -> (Self, Problems) {
        static GENERATION: AtomicU64 = AtomicU64::new(0);
        let (mut kept, mut unreadable, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        if texts.len() > MAX_POLICIES {
            let message = format!("more than {MAX_POLICIES} policies in a tenant; join some");
            problems.push(Problem::at(texts.last().map_or("", |text| text.name.as_str()), "", 0, message));
        }
        let mut names = HashSet::new();
        for PolicyText { name, text } in texts {
            if !names.insert(name) {
                unreadable.push(PolicyId::new(name.as_str()));
                problems.push(Problem::at(name.as_str(), text, 0, "there are two policies of this name"));
                continue;
            }
            match parse::statements(name, text) {
                Ok(statements) => {
                    let invalid = validate::invalid(&schema, name, text, &statements);
                    let is_invalid = |place| invalid.iter().any(|(at, _)| *at == place);
                    kept.extend(statements.into_iter().enumerate().filter_map(|(place, statement)| {
                        (statement.cedar.effect() == Effect::Forbid || !is_invalid(place)).then_some(statement)
                    }));
                    problems.extend(invalid.into_iter().map(|(_, problem)| problem));
                }
                Err(found) => {
                    unreadable.push(PolicyId::new(name.as_str()));
                    problems.extend(found);
                }
            }
        }
        let index = Index::new(&schema, &kept);
        let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        let slices = Cache::new(KEPT_SLICES);
        (Self { schema, revision, generation, statements: kept, index, slices, unreadable }, Problems(problems))
    }

    /// The revision of the store that this was made from.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The vocabulary it was compiled with.
    #[must_use]
    pub fn schema(&self) -> &Arc<PolicySchema> {
        &self.schema
    }

    /// Different for any two sets that this process has ever compiled.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether every policy in the store could be read.
    pub(super) fn is_readable(&self) -> bool {
        self.unreadable.is_empty()
    }

    pub(super) fn statements(&self) -> &[Statement] {
        &self.statements
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// Decides, looking only at the slice. Not cached.
    #[must_use]
    pub fn decide(&self, subject: &Subject, asked: &Question<'_>) -> Verdict {
        match self.respond(subject, asked, None) {
            Ok(response) => verdict(&response),
            Err(denied) => Verdict::Deny(denied),
        }
    }

    /// Decides whether a principal may take a role.
    #[must_use]
    pub fn decide_assume(&self, principal: &Principal, claims: &Claims, role: &Name) -> Verdict {
        let asked = Question { action: ASSUME, kind: ResourceKind::Role, name: role.as_str(), attributes: &[] };
        match Subject::new(&self.schema, principal, None, claims) {
            Ok(subject) => self.decide(&subject, &asked),
            Err(_) => Verdict::deny(Denial::Error),
        }
    }

    /// Asks Cedar, about the slice or about another set.
    pub(super) fn respond(
        &self,
        subject: &Subject,
        asked: &Question<'_>,
        instead_of_slice: Option<&PolicySet>,
    ) -> Result<Response, Denied> {
        let deny = |reason| Denied { reason, because: PolicyIds::default() };
        if subject.is_anonymous() {
            return Err(deny(Denial::Anonymous));
        }
        if !self.unreadable.is_empty() {
            return Err(Denied {
                reason: Denial::Error,
                because: PolicyIds::of(self.unreadable.iter().map(PolicyId::as_str)),
            });
        }
        let action = self.schema.action(asked.action, asked.kind).ok_or_else(|| deny(Denial::UnknownAction))?;
        let (resource, entity) = subject::resource(self.schema.types(), asked.kind, asked.name, asked.attributes)
            .ok_or_else(|| deny(Denial::UnknownAction))?;
        let entities = subject.entities().clone().add_entities([action.entity.clone(), entity], None);
        let request = Request::new(subject.uid().clone(), action.entity.uid(), resource, Context::empty(), None);
        let (Ok(entities), Ok(request)) = (entities, request) else { return Err(deny(Denial::Error)) };
        let authorizer = Authorizer::new();
        if let Some(set) = instead_of_slice {
            return Ok(authorizer.is_authorized(&request, set, &entities));
        }
        let slice = self.index.slice(subject.keys(), action, asked.name);
        let set = match self.slices.get(&slice) {
            Some(set) => set,
            None => {
                let set = Arc::new(self.set_of(&slice).ok_or_else(|| deny(Denial::Error))?);
                self.slices.insert(slice, Arc::clone(&set));
                set
            }
        };
        Ok(authorizer.is_authorized(&request, &set, &entities))
    }

    /// The statements at these places as a set.
    fn set_of(&self, places: &[u32]) -> Option<PolicySet> {
        let statements: Option<Vec<_>> = places
            .iter()
            .map(|place| self.statements.get(usize::try_from(*place).ok()?).map(|statement| statement.cedar.clone()))
            .collect();
        PolicySet::from_policies(statements?).ok()
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies")
            .field("revision", &self.revision)
            .field("statements", &self.statements.len())
            .finish_non_exhaustive()
    }
}

/// Cedar skips a policy that cannot be evaluated, a `forbid` included. Here an error is a denial.
pub(super) fn verdict(response: &Response) -> Verdict {
    let mut errors = response.diagnostics().errors().peekable();
    if errors.peek().is_some() {
        let ids =
            errors.map(|cedar_policy::AuthorizationError::PolicyEvaluationError(error)| error.policy_id().as_ref());
        return Verdict::Deny(Denied { reason: Denial::Error, because: PolicyIds::of(ids) });
    }
    let because = PolicyIds::of(response.diagnostics().reason().map(AsRef::as_ref));
    match response.decision() {
        Decision::Allow => Verdict::Allow(because),
        Decision::Deny if because.is_empty() => Verdict::deny(Denial::NoPermit),
        Decision::Deny => Verdict::Deny(Denied { reason: Denial::Forbid, because }),
    }
}
