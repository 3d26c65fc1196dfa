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

use super::{Asking, Explanation};
use crate::{
    identity::ClaimValue,
    method::{METHODS, Method, Name, NameError},
    policy::{Declarations, Policies, PolicySchema, PolicyText, Problems, SchemaError, Verdict},
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

impl Expectation {
    fn asking(&self) -> Asking {
        Asking {
            issuer: self.issuer.clone(),
            authority: self.authority.clone(),
            subject: self.subject.clone(),
            claims: self.claims.clone(),
            role: self.role.clone(),
            action: self.action.clone(),
            kind: self.kind.clone(),
            resource: self.resource.clone(),
            attributes: self.attributes.clone(),
        }
    }
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
    /// A policy's name, as a file has it, is none.
    #[error("policy `{name}`: {error}")]
    PolicyName {
        /// The name.
        name: String,
        /// What is wrong with it.
        error: NameError,
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

    /// How many expectations it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expect.len()
    }

    /// Whether it has none, which [`Self::parse`] does not let pass.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expect.is_empty()
    }
}

/// Runs a table, as text, against policies by name, without a broker.
///
/// # Errors
/// As [`Table::parse`] and [`run`].
pub fn offline(table: &str, policies: Vec<(String, String)>) -> Result<Report, TableError> {
    let text = |(name, text): (String, String)| match name.parse() {
        Ok(name) => Ok(PolicyText { name, text }),
        Err(error) => Err(TableError::PolicyName { name, error }),
    };
    let texts = policies.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
    run(METHODS, &texts, &Table::parse(table)?)
}

/// Runs a table against policies.
///
/// # Errors
/// [`TableError`] when the policies do not hold or an expectation makes no sense; expectations that are not met are no
/// errors but in the report.
pub fn run(methods: &[&'static Method], texts: &[PolicyText], table: &Table) -> Result<Report, TableError> {
    let schema = Arc::new(PolicySchema::new(methods, &table.issuers)?);
    run_on(&Policies::compile(schema, texts, 0)?, &table.issuers, table)
}

/// Runs a table against compiled policies. What the table itself says of issuers does not count.
///
/// # Errors
/// [`TableError`] when an expectation makes no sense.
pub fn run_on(policies: &Policies, declared: &Declarations, table: &Table) -> Result<Report, TableError> {
    let outcomes = table.expect.iter().enumerate().map(|(place, expectation)| {
        let name =
            expectation.name.clone().unwrap_or_else(|| format!("{} {}", expectation.action, expectation.resource));
        outcome(policies, declared, expectation, name.clone()).map_err(|what| TableError::Expectation {
            place: place + 1,
            name,
            what,
        })
    });
    Ok(Report(outcomes.collect::<Result<_, _>>()?))
}

fn outcome(policies: &Policies, declared: &Declarations, row: &Expectation, name: String) -> Result<Outcome, String> {
    let explanation = row.asking().explain(policies, declared).map_err(|error| error.to_string())?;
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
