//! Claims that an issuer's settings declare, each with its type.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{error::OidcError, json::Json};
use crate::identity::{ClaimType, ClaimValue, Claims};

/// The most entries of a list, e.g. of groups.
pub(super) const MAX_TEXTS: usize = 200;
/// The most bytes of one text.
pub(super) const MAX_TEXT_BYTES: usize = 2_048;
/// The most members on the way to a claim.
const MAX_STEPS: usize = 8;

/// Where a claim lies in the token: `repository`, `realm_access.roles`, or, where a name has a dot or a slash in it, a
/// JSON pointer such as `/kubernetes.io/serviceaccount/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClaimPath {
    text: String,
    steps: Vec<String>,
}

impl TryFrom<String> for ClaimPath {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        let steps: Vec<String> = match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
            None => text.split('.').map(str::to_owned).collect(),
        };
        if steps.iter().any(String::is_empty) || steps.len() > MAX_STEPS || text.len() > 512 {
            return Err("claim path needs 1 to 8 names, such as `a.b` or `/kubernetes.io/namespace`");
        }
        Ok(Self { text, steps })
    }
}

impl From<ClaimPath> for String {
    fn from(path: ClaimPath) -> Self {
        path.text
    }
}

/// One claim that policies may read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredClaim {
    /// The type that it must have. Another type is refused, never converted.
    #[serde(rename = "type")]
    pub kind: ClaimType,
    /// Where it lies in the token; under its own name when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<ClaimPath>,
}

/// The declared claims of a token. A claim that is absent or null is left out: policies ask with `has`.
pub(super) fn declared(claims: &BTreeMap<String, DeclaredClaim>, payload: &Json) -> Result<Claims, OidcError> {
    let mut found = BTreeMap::new();
    for (name, claim) in claims {
        let value = match &claim.path {
            None => payload.get(name),
            Some(path) => path.steps.iter().try_fold(payload, |at, step| at.get(step)),
        };
        match value {
            None | Some(Json::Null) => {}
            Some(value) => {
                let value = typed(claim.kind, value).ok_or_else(|| OidcError::ClaimType(name.clone()))?;
                found.insert(name.clone(), value);
            }
        }
    }
    Ok(Arc::new(found))
}

fn typed(kind: ClaimType, value: &Json) -> Option<ClaimValue> {
    match (kind, value) {
        (ClaimType::Bool, Json::Bool(value)) => Some(ClaimValue::Bool(*value)),
        (ClaimType::Long, Json::Long(value)) => Some(ClaimValue::Long(*value)),
        (ClaimType::Text, Json::Text(value)) => short(value).map(ClaimValue::Text),
        (ClaimType::Texts, Json::List(items)) if items.len() <= MAX_TEXTS => {
            items.iter().map(|item| short(item.text()?)).collect::<Option<_>>().map(ClaimValue::Texts)
        }
        _ => None,
    }
}

fn short(text: &str) -> Option<String> {
    (text.len() <= MAX_TEXT_BYTES).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(kind: ClaimType, path: Option<&str>, payload: &str) -> Result<Option<ClaimValue>, OidcError> {
        let path = path.map(|path| ClaimPath::try_from(path.to_owned()).unwrap());
        let claims = BTreeMap::from([("x".to_owned(), DeclaredClaim { kind, path })]);
        declared(&claims, &Json::parse(payload.as_bytes()).unwrap()).map(|found| found.get("x").cloned())
    }

    #[test]
    fn a_claim_of_another_type_is_refused_and_never_converted() {
        let wrong = Err(OidcError::ClaimType("x".into()));
        for (kind, json) in [
            (ClaimType::Bool, "\"true\""),
            (ClaimType::Bool, "1"),
            (ClaimType::Long, "\"1\""),
            (ClaimType::Long, "1.0"),
            (ClaimType::Long, "9223372036854775808"),
            (ClaimType::Text, "1"),
            (ClaimType::Text, "[\"a\"]"),
            (ClaimType::Texts, "\"a\""),
            (ClaimType::Texts, "[1]"),
            (ClaimType::Texts, "[[\"a\"]]"),
        ] {
            assert_eq!(one(kind, None, &format!("{{\"x\":{json}}}")), wrong, "{kind:?} {json}");
        }
        assert_eq!(one(ClaimType::Bool, None, "{\"x\":true}"), Ok(Some(ClaimValue::Bool(true))));
        assert_eq!(one(ClaimType::Text, None, "{}"), Ok(None));
        assert_eq!(one(ClaimType::Text, None, "{\"x\":null}"), Ok(None));
    }

    #[test]
    fn nested_claims_are_found_by_path_and_by_pointer() {
        let text = |t: &str| Ok(Some(ClaimValue::Text(t.into())));
        assert_eq!(one(ClaimType::Text, Some("a.b"), r#"{"a":{"b":"c"}}"#), text("c"));
        let pointer = "/kubernetes.io/serviceaccount/name";
        let payload = r#"{"kubernetes.io":{"serviceaccount":{"name":"ci"}}}"#;
        assert_eq!(one(ClaimType::Text, Some(pointer), payload), text("ci"));
        assert_eq!(one(ClaimType::Text, Some("/https:~1~1x~1groups"), r#"{"https://x/groups":"g"}"#), text("g"));
        assert!(ClaimPath::try_from(String::new()).is_err());
        assert!(ClaimPath::try_from("a..b".to_owned()).is_err());
    }

    #[test]
    fn lists_and_texts_have_limits() {
        let groups = |n: usize| format!("{{\"x\":[{}]}}", vec!["\"g\""; n].join(","));
        assert!(one(ClaimType::Texts, None, &groups(MAX_TEXTS)).is_ok());
        assert!(one(ClaimType::Texts, None, &groups(MAX_TEXTS + 1)).is_err());
        assert!(one(ClaimType::Text, None, &format!("{{\"x\":\"{}\"}}", "a".repeat(MAX_TEXT_BYTES + 1))).is_err());
    }
}
