//! A principal described by options.

use std::collections::HashMap;

use keyward_api::v1::{DescribedPrincipal, TextList, TypedValue, typed_value};
use serde_json::Value;

use crate::cli::CliError;

/// Whom a question is about. Without any of these: the caller.
#[derive(Debug, clap::Args)]
pub(crate) struct Who {
    /// The OIDC issuer that it comes from.
    #[arg(long, value_name = "NAME", help_heading = "Principal")]
    issuer: Option<String>,
    /// Who else vouches for it: certificate, node, local-user, operator.
    #[arg(long, value_name = "AUTHORITY", conflicts_with = "issuer", help_heading = "Principal")]
    authority: Option<String>,
    /// Its name there.
    #[arg(long, value_name = "SUBJECT", default_value = "", help_heading = "Principal")]
    subject: String,
    /// A claim, as text: `repository=acme/shop`. May be repeated.
    #[arg(long = "claim", value_name = "NAME=TEXT", requires = "issuer", help_heading = "Principal")]
    claims: Vec<String>,
    /// A claim of another type, as JSON: `groups=["ops"]`, `runner_id=7`. May be repeated.
    #[arg(long = "claim-json", value_name = "NAME=JSON", requires = "issuer", help_heading = "Principal")]
    claims_json: Vec<String>,
    /// The role that it has taken.
    #[arg(long, value_name = "ROLE", default_value = "", help_heading = "Principal")]
    role: String,
}

impl Who {
    /// The principal, or none for the caller.
    pub(crate) fn described(self) -> Result<Option<DescribedPrincipal>, CliError> {
        if self.issuer.is_none() && self.authority.is_none() {
            if !self.subject.is_empty() || !self.role.is_empty() {
                return Err(CliError::usage("a principal needs `--issuer` or `--authority`"));
            }
            return Ok(None);
        }
        let mut claims = HashMap::new();
        for claim in &self.claims {
            let (name, text) = split(claim)?;
            claims.insert(name, typed(typed_value::Value::Text(text)));
        }
        for claim in &self.claims_json {
            let (name, text) = split(claim)?;
            claims.insert(name, value(&text)?);
        }
        let (issuer, authority) = (self.issuer.unwrap_or_default(), self.authority.unwrap_or_default());
        Ok(Some(DescribedPrincipal { issuer, authority, subject: self.subject, claims, role: self.role }))
    }
}

/// Attributes of a resource: `true`, `false` and whole numbers are what they look like, all else is text.
pub(crate) fn attributes(given: &[String]) -> Result<HashMap<String, TypedValue>, CliError> {
    given
        .iter()
        .map(|pair| {
            let (name, text) = split(pair)?;
            let read = value(&text).unwrap_or_else(|_| typed(typed_value::Value::Text(text)));
            Ok((name, read))
        })
        .collect()
}

fn split(pair: &str) -> Result<(String, String), CliError> {
    let parts = pair.split_once('=').ok_or_else(|| CliError::usage(format!("`{pair}`: write NAME=VALUE")))?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

fn value(json: &str) -> Result<TypedValue, CliError> {
    let wrong = || CliError::usage(format!("`{json}` is not true, false, a whole number, a text or a list of texts"));
    let read = match serde_json::from_str(json).map_err(|_| wrong())? {
        Value::Bool(value) => typed_value::Value::Truth(value),
        Value::Number(value) => typed_value::Value::Number(value.as_i64().ok_or_else(wrong)?),
        Value::String(value) => typed_value::Value::Text(value),
        Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>();
            typed_value::Value::Texts(TextList { texts: texts.ok_or_else(wrong)? })
        }
        Value::Null | Value::Object(_) => return Err(wrong()),
    };
    Ok(typed(read))
}

fn typed(value: typed_value::Value) -> TypedValue {
    TypedValue { value: Some(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_the_type_that_they_are_written_with() {
        let of = |json: &str| value(json).ok().and_then(|typed| typed.value);
        assert_eq!(of("true"), Some(typed_value::Value::Truth(true)));
        assert_eq!(of("7"), Some(typed_value::Value::Number(7)));
        assert_eq!(of("\"7\""), Some(typed_value::Value::Text("7".into())));
        assert_eq!(of("[\"a\"]"), Some(typed_value::Value::Texts(TextList { texts: vec!["a".into()] })));
        for wrong in ["1.5", "null", "{}", "[1]", "a b"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
