//! Which policies decided, which were looked at, and why the others do not apply.

use std::fmt;

use cedar_policy::{Decision, Effect, EntityUid, PolicySet, PrincipalConstraint, ResourceConstraint};

use crate::policy::{
    Denial, Policies, PolicyId, Question, Subject, Verdict,
    parse::Statement,
    schema::{Types, in_folders, uid},
    subject::folders,
};

/// What came of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Its scope matches, and it applies: it permits or forbids.
    Applies,
    /// Its scope matches, but its `when` is not true or its `unless` is.
    Condition,
    /// It could not be evaluated, which refuses the request.
    Error(String),
    /// The action is not in its scope.
    Action,
    /// The principal is not in its scope.
    Principal,
    /// The resource is not in its scope.
    Resource,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applies => f.write_str("applies"),
            Self::Condition => f.write_str("does not apply: its conditions do not hold"),
            Self::Error(error) => write!(f, "cannot be evaluated: {error}"),
            Self::Action => f.write_str("does not apply: it is for other actions"),
            Self::Principal => f.write_str("does not apply: it is for other principals"),
            Self::Resource => f.write_str("does not apply: it is for other resources"),
        }
    }
}

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub verdict: Verdict,
    /// Every statement of the tenant: its id, its effect, and what came of it. Those that apply or fail come first.
    pub findings: Vec<(PolicyId, Effect, Finding)>,
}

impl Explanation {
    /// How many statements decide nothing because the principal, action or resource is another.
    #[must_use]
    pub fn out_of_scope(&self) -> usize {
        let out = |finding: &Finding| matches!(finding, Finding::Action | Finding::Principal | Finding::Resource);
        self.findings.iter().filter(|(_, _, finding)| out(finding)).count()
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Allow(because) => writeln!(f, "allowed by {because}")?,
            Verdict::Deny(denied) if denied.because().is_empty() => writeln!(f, "refused: {}", denied.reason())?,
            Verdict::Deny(denied) => writeln!(f, "refused: {}: {}", denied.reason(), denied.because())?,
        }
        for (id, effect, finding) in &self.findings {
            writeln!(f, "  {effect} {id} {finding}")?;
        }
        Ok(())
    }
}

/// Decides and says why. Looks at every statement, so it is for people and not for requests.
#[must_use]
pub fn explain(policies: &Policies, subject: &Subject, asked: &Question<'_>) -> Explanation {
    let verdict = policies.decide(subject, asked);
    let known =
        !matches!(&verdict, Verdict::Deny(d) if matches!(d.reason(), Denial::UnknownAction | Denial::Anonymous));
    let mut findings: Vec<_> = (0..)
        .zip(policies.statements())
        .filter(|_| known)
        .map(|(place, statement)| {
            (statement.id.clone(), statement.cedar.effect(), finding(policies, subject, asked, place, statement))
        })
        .collect();
    findings.sort_by_key(|(_, _, finding)| match finding {
        Finding::Error(_) => 0,
        Finding::Applies => 1,
        Finding::Condition => 2,
        Finding::Action | Finding::Principal | Finding::Resource => 3,
    });
    Explanation { verdict, findings }
}

fn finding(policies: &Policies, subject: &Subject, asked: &Question<'_>, place: u32, statement: &Statement) -> Finding {
    let (schema, cedar) = (policies.schema(), &statement.cedar);
    if !schema.action(asked.action, asked.kind).is_some_and(|action| policies.index().is_for(place, action)) {
        return Finding::Action;
    }
    if !principal_matches(subject, schema.types(), &cedar.principal_constraint()) {
        return Finding::Principal;
    }
    if !resource_matches(asked, schema.types(), &cedar.resource_constraint()) {
        return Finding::Resource;
    }
    let response = PolicySet::from_policies([cedar.clone()])
        .ok()
        .and_then(|alone| policies.respond(subject, asked, Some(&alone)).ok());
    let Some(response) = response else { return Finding::Error("the request cannot be put to Cedar".to_owned()) };
    if let Some(cedar_policy::AuthorizationError::PolicyEvaluationError(error)) = response.diagnostics().errors().next()
    {
        return Finding::Error(error.inner().to_string());
    }
    let applies = response.decision() == Decision::Allow || response.diagnostics().reason().next().is_some();
    if applies { Finding::Applies } else { Finding::Condition }
}

fn principal_matches(subject: &Subject, types: &Types, constraint: &PrincipalConstraint) -> bool {
    match constraint {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Is(of) => *of == types.principal,
        PrincipalConstraint::Eq(uid) => uid == subject.uid(),
        PrincipalConstraint::In(uid) => subject.keys().contains(uid),
        PrincipalConstraint::IsIn(of, uid) => *of == types.principal && subject.keys().contains(uid),
    }
}

fn resource_matches(asked: &Question<'_>, types: &Types, constraint: &ResourceConstraint) -> bool {
    let own = types.resource(asked.kind, asked.name);
    let is = |of: &cedar_policy::EntityTypeName| own.as_ref().is_some_and(|own| own.type_name() == of);
    let equal = |uid: &EntityUid| own.as_ref() == Some(uid);
    let within = |group: &EntityUid| {
        equal(group) || in_folders(asked.kind) && folders(asked.name).any(|folder| uid(&types.folder, folder) == *group)
    };
    match constraint {
        ResourceConstraint::Any => true,
        ResourceConstraint::Is(of) => is(of),
        ResourceConstraint::Eq(uid) => equal(uid),
        ResourceConstraint::In(uid) => within(uid),
        ResourceConstraint::IsIn(of, uid) => is(of) && within(uid),
    }
}
