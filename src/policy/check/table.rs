//! Tables of expectations in TOML.
//!
//! ```toml
//! [issuers.github]            # the claims that the tenant's issuers declare
//! repository = "text"
//!
//! [[expect]]
//! name = "a deploy job reads its database password"
//! issuer = "github"           # or authority = "certificate" | "local-user" | "node" | "operator"
//! subject = "repo:acme/shop:ref:refs/heads/main"
//! claims = { repository = "acme/shop" }
//! role = "deploy"             # absent for `assume`
//! action = "secret.read"
//! resource = "prod/db/main"   # absent for all of the kind
//! result = "allow"
//! because = ["deploy#0"]      # may be absent
//! ```

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use super::{Explanation, explain};
use crate::{
    identity::{ClaimType, ClaimValue, IssuerRef, Principal},
    method::{Attribute, Method, Name, ResourceKind, TenantId},
    policy::{Declarations, Policies, PolicySchema, PolicyText, Problems, Question, SchemaError, Subject, Verdict},
};

/// The most bytes of a table.
const MAX_TABLE_BYTES: usize = 1024 * 1024;

/// A table: what issuers declare, and what is expected of the policies.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    #[serde(default)]
    issuers: Declarations,
    #[serde(default)]
    expect: Vec<Expectation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    name: Option<String>,
    issuer: Option<Name>,
    authority: Option<String>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    claims: BTreeMap<String, ClaimValue>,
    role: Option<Name>,
    action: String,
    kind: Option<String>,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    attributes: BTreeMap<String, ClaimValue>,
    result: Wanted,
    because: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Allow,
    Deny,
}

/// Why a table could not be run.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Nothing would be tested.
    #[error("the table has no `[[expect]]`")]
    Empty,
    /// One expectation makes no sense.
    #[error("expectation {place} (`{name}`): {what}")]
    Expectation {
        /// Which, from 1.
        place: usize,
        /// Its name.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// The policies do not hold.
    #[error(transparent)]
    Policies(#[from] Problems),
    /// The declared claims do not hold.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Not TOML of this form. Only place and reason: the text may hold names that are not for a log.
    #[error("reading the table: line {line}: {what}")]
    Text {
        /// Where.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Too big.
    #[error("a table of {0} bytes is too long, at most {MAX_TABLE_BYTES} are allowed")]
    TooLong(usize),
}

/// What came of one expectation.
#[derive(Debug)]
pub struct Outcome {
    /// The expectation's name.
    pub name: String,
    /// Nothing when it was met, otherwise what differs.
    pub differs: Option<String>,
    /// The decision with its reasons.
    pub explanation: Explanation,
}

/// What came of a table.
#[derive(Debug)]
pub struct Report(pub Vec<Outcome>);

impl Report {
    /// Whether every expectation was met.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.0.iter().all(|outcome| outcome.differs.is_none())
    }
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    /// [`TableError`] with the line.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        if text.len() > MAX_TABLE_BYTES {
            return Err(TableError::TooLong(text.len()));
        }
        let table: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(at).filter(|b| *b == b'\n').count() + 1;
            TableError::Text { line, what: error.message().to_owned() }
        })?;
        if table.expect.is_empty() { Err(TableError::Empty) } else { Ok(table) }
    }

    /// The claims that it says the issuers declare.
    #[must_use]
    pub fn declarations(&self) -> &Declarations {
        &self.issuers
    }
}

/// Runs a table against policies.
///
/// # Errors
/// [`TableError`] when the policies do not hold or an expectation makes no sense; expectations that are not met are no
/// errors but in the report.
pub fn run(methods: &[&'static Method], texts: &[PolicyText], table: &Table) -> Result<Report, TableError> {
    let schema = Arc::new(PolicySchema::new(methods, &table.issuers)?);
    let policies = Policies::compile(schema, texts, 0)?;
    let outcomes = table.expect.iter().enumerate().map(|(place, expectation)| {
        let name =
            expectation.name.clone().unwrap_or_else(|| format!("{} {}", expectation.action, expectation.resource));
        outcome(&policies, &table.issuers, expectation, name.clone()).map_err(|what| TableError::Expectation {
            place: place + 1,
            name,
            what,
        })
    });
    Ok(Report(outcomes.collect::<Result<_, _>>()?))
}

fn outcome(policies: &Policies, issuers: &Declarations, row: &Expectation, name: String) -> Result<Outcome, String> {
    let principal = Principal { tenant: TenantId::SYSTEM, issuer: issuer(row)?, subject: row.subject.as_str().into() };
    claims_fit(issuers, row)?;
    let subject = Subject::new(policies.schema(), &principal, row.role.as_ref(), &Arc::new(row.claims.clone()));
    let subject = subject.map_err(|error| error.to_string())?;
    let attributes = attributes(row)?;
    let kind = kind(policies.schema(), row)?;
    let asked = Question { action: &row.action, kind, name: &row.resource, attributes: &attributes };
    let explanation = explain(policies, &subject, &asked);
    let got = if explanation.verdict.is_allow() { Wanted::Allow } else { Wanted::Deny };
    let because = match &explanation.verdict {
        Verdict::Allow(because) => because,
        Verdict::Deny(denied) => denied.because(),
    };
    let because: Vec<&str> = because.iter().map(crate::policy::PolicyId::as_str).collect();
    let mut wanted = row.because.clone();
    wanted.iter_mut().for_each(|ids| ids.sort_unstable());
    let differs = match wanted {
        _ if got != row.result => Some(format!("expected {:?}, got {got:?}", row.result).to_lowercase()),
        Some(wanted) if wanted != because => {
            Some(format!("expected because of {}, got {}", wanted.join(", "), because.join(", ")))
        }
        _ => None,
    };
    Ok(Outcome { name, differs, explanation })
}

fn issuer(row: &Expectation) -> Result<IssuerRef, String> {
    match (&row.issuer, row.authority.as_deref()) {
        (Some(name), None) => Ok(IssuerRef::Oidc(name.clone())),
        (None, Some("certificate")) => Ok(IssuerRef::Certificate),
        (None, Some("local-user")) => Ok(IssuerRef::LocalUser),
        (None, Some("node")) => Ok(IssuerRef::Node),
        (None, Some("operator")) => Ok(IssuerRef::Operator),
        (None, Some(_)) => Err("`authority` is one of `certificate`, `local-user`, `node`, `operator`".to_owned()),
        (Some(_), Some(_)) | (None, None) => Err("give either `issuer` or `authority`".to_owned()),
    }
}

/// A mistyped claim would make a refusal that is expected for another reason pass.
fn claims_fit(issuers: &Declarations, row: &Expectation) -> Result<(), String> {
    let declared = row.issuer.as_ref().and_then(|issuer| issuers.get(issuer));
    for (claim, value) in &row.claims {
        let fits = match (declared.and_then(|claims| claims.get(claim)), value) {
            (None, _) => return Err(format!("claim `{claim}` is not declared for the issuer under `[issuers]`")),
            (Some(ClaimType::Bool), ClaimValue::Bool(_))
            | (Some(ClaimType::Long), ClaimValue::Long(_))
            | (Some(ClaimType::Text), ClaimValue::Text(_))
            | (Some(ClaimType::Texts), ClaimValue::Texts(_)) => true,
            (Some(_), _) => false,
        };
        if !fits {
            return Err(format!("claim `{claim}` is not of its declared type"));
        }
    }
    Ok(())
}

fn kind(schema: &PolicySchema, row: &Expectation) -> Result<ResourceKind, String> {
    let kinds: Vec<_> = schema.kinds(&row.action).collect();
    let names = || kinds.iter().map(|kind| kind.entity_type()).collect::<Vec<_>>().join(", ");
    match (&row.kind, kinds.as_slice()) {
        (_, []) => Err(format!("unknown action `{}`", row.action)),
        (None, [one]) => Ok(*one),
        (None, _) => Err(format!("action `{}` is for several kinds; give `kind`, one of {}", row.action, names())),
        (Some(name), _) => kinds
            .iter()
            .copied()
            .find(|kind| kind.entity_type() == name)
            .ok_or_else(|| format!("action `{}` is not for kind `{name}`, only for {}", row.action, names())),
    }
}

fn attributes(row: &Expectation) -> Result<Vec<Attribute>, String> {
    /// The attributes of the schema. Attributes come from our own code, so their names are static.
    const NAMES: &[&str] = &["exportable", "origin", "type"];
    let attribute = |(name, value): (&String, &ClaimValue)| {
        let name =
            NAMES.iter().copied().find(|known| known == name).ok_or_else(|| format!("unknown attribute `{name}`"))?;
        match value {
            ClaimValue::Bool(value) => Ok(Attribute::Bool(name, *value)),
            ClaimValue::Long(value) => Ok(Attribute::Long(name, *value)),
            ClaimValue::Text(value) => Ok(Attribute::Text(name, value.clone())),
            ClaimValue::Texts(_) => Err(format!("attribute `{name}` cannot be a list")),
        }
    };
    row.attributes.iter().map(attribute).collect()
}
