//! Whether statements name only what the schema has: Cedar's strict validation, and what it lets pass.

use cedar_policy::{
    ActionConstraint, Effect, EntityUid, PolicySet, PrincipalConstraint, ValidationError, ValidationMode,
    ValidationWarning,
};
use serde_json::Value;

use super::{
    PolicySchema, Problem,
    parse::{Statement, offset_of},
    schema::ASSUME,
};
use crate::method::{Name, ResourceKind};

/// What is wrong with the statements of a text, each with the place of its statement in `statements`.
pub(super) fn invalid(
    schema: &PolicySchema,
    name: &Name,
    text: &str,
    statements: &[Statement],
) -> Vec<(usize, Problem)> {
    let at = |id: &str| statements.iter().position(|statement| statement.id.as_str() == id).unwrap_or_default();
    let set = match PolicySet::from_policies(statements.iter().map(|statement| statement.cedar.clone())) {
        Ok(set) => set,
        Err(error) => return vec![(0, Problem::at(name.as_str(), text, 0, error.to_string()))],
    };
    let result = schema.validator().validate(&set, ValidationMode::Strict);
    let mut problems: Vec<_> = result
        .validation_errors()
        .map(|error| (at(error.policy_id().as_ref()), problem(schema, name, text, error)))
        .collect();
    for (place, Statement { id, cedar }) in statements.iter().enumerate() {
        let begin = offset_of(text, place);
        let json = cedar.to_json().unwrap_or_default();
        for unknown in unknown_in_has(schema, &json) {
            let offset = text.get(begin..).and_then(|rest| rest.find(unknown)).map_or(begin, |at| begin + at);
            problems.push((
                place,
                Problem::at(name.as_str(), text, offset, format!("there is no attribute or claim `{unknown}`")),
            ));
        }
        if assumes_by_any_issuers_claims(schema, cedar, &json) {
            let message = format!(
                "statement `{id}` lets a role be assumed by claims, whoever made them; name the issuer: `principal in Issuer::\"..\"`"
            );
            problems.push((place, Problem::at(name.as_str(), text, begin, message)));
        }
    }
    for warning in result.validation_warnings() {
        let place = at(warning.policy_id().as_ref());
        let counts = match warning {
            // What reads differently from what it is, and what never applies, is a mistake; foreign scripts are not.
            ValidationWarning::ConfusableIdentifier(_)
            | ValidationWarning::MixedScriptIdentifier(_)
            | ValidationWarning::MixedScriptString(_) => false,
            _ => true,
        };
        if counts && !problems.iter().any(|(known, _)| *known == place) {
            problems.push((place, Problem::from_cedar(name.as_str(), text, warning)));
        }
    }
    problems
}

fn problem(schema: &PolicySchema, name: &Name, text: &str, error: &ValidationError) -> Problem {
    let mut problem = Problem::from_cedar(name.as_str(), text, error);
    if let ValidationError::UnrecognizedActionId(_) = error {
        // Cedar's guess is often far off.
        let asked = problem.message.split('"').nth(1).unwrap_or_default().to_owned();
        problem.message = format!("unknown action `{asked}`");
        problem.help = schema.nearest_action(&asked).map(|known| format!("did you mean `{known}`?"));
    }
    problem
}

/// Strict validation takes `has` with an unknown name for a plain `false`, which would hide a misspelt claim.
fn unknown_in_has<'a>(schema: &PolicySchema, json: &'a Value) -> Vec<&'a str> {
    let mut unknown = Vec::new();
    walk(json, &mut |node| {
        let Some(has) = node.get("has") else { return };
        let mut claim = has.get("left").is_some_and(is_claims);
        for attribute in names(has.get("attr")) {
            if !schema.has_attribute(claim, attribute) {
                unknown.push(attribute);
            }
            claim = attribute == "claims";
        }
    });
    unknown
}

/// One name, or the path of `has a.b.c`.
fn names(attr: Option<&Value>) -> impl Iterator<Item = &str> {
    let path = attr.and_then(Value::as_array).into_iter().flatten();
    attr.into_iter().chain(path).filter_map(Value::as_str)
}

fn is_claims(json: &Value) -> bool {
    json.get(".").and_then(|access| access.get("attr")).is_some_and(|attr| attr == "claims")
}

/// The same claim means different things at different issuers: a `permit` that reads claims at `assume` must say whose.
fn assumes_by_any_issuers_claims(schema: &PolicySchema, policy: &cedar_policy::Policy, json: &Value) -> bool {
    let types = schema.types();
    let says_who = |uid: &EntityUid| [&types.issuer, &types.principal, &types.authority].contains(&uid.type_name());
    let scoped = match policy.principal_constraint() {
        PrincipalConstraint::In(uid) | PrincipalConstraint::Eq(uid) | PrincipalConstraint::IsIn(_, uid) => {
            says_who(&uid) || uid.type_name() == &types.role // at `assume`, nobody is in a role
        }
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => false,
    };
    let mut reads_claims = json.is_null();
    walk(json, &mut |node| reads_claims |= names(node.get("attr")).any(|name| name == "claims"));
    policy.effect() == Effect::Permit
        && !scoped
        && reads_claims
        && may_be_assume(schema, &policy.action_constraint())
        && !policy.entity_literals().iter().any(says_who)
}

fn may_be_assume(schema: &PolicySchema, constraint: &ActionConstraint) -> bool {
    let Some(assume) = schema.action(ASSUME, ResourceKind::Role) else { return true };
    match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => assume.lineage.contains(uid),
        ActionConstraint::In(uids) => uids.iter().any(|uid| assume.lineage.contains(uid)),
    }
}

fn walk<'a>(json: &'a Value, see: &mut impl FnMut(&'a Value)) {
    match json {
        Value::Object(fields) => {
            see(json);
            fields.values().for_each(|value| walk(value, see));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
