//! Questions as people and tables put them, in words.

use std::{collections::BTreeMap, sync::Arc};

use super::{Explanation, explain};
use crate::{
    identity::{Caller, ClaimType, ClaimValue, IssuerRef, Principal},
    method::{Attribute, Method, Name, ResourceKind, TenantId},
    policy::{Declarations, Denial, Policies, PolicySchema, Question, Subject, Verdict},
};

/// Who would do what to which resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asking {
    /// The OIDC issuer that vouches for the principal; or see `authority`.
    pub issuer: Option<Name>,
    /// `certificate`, `local-user`, `node` or `operator`.
    pub authority: Option<String>,
    /// The principal's name there.
    pub subject: String,
    /// What its issuer says of it.
    pub claims: BTreeMap<String, ClaimValue>,
    /// The role that it has taken.
    pub role: Option<Name>,
    /// What it would do.
    pub action: String,
    /// The kind of resource; may be absent where the action is for one kind only.
    pub kind: Option<String>,
    /// Its name; empty for all of the kind.
    pub resource: String,
    /// What is known of it.
    pub attributes: BTreeMap<String, ClaimValue>,
}

/// Why a question makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct AskingError {
    /// The part of the question: `principal`, `action` or `attributes`.
    pub field: &'static str,
    why: String,
}

impl AskingError {
    fn new(field: &'static str, why: impl Into<String>) -> Self {
        Self { field, why: why.into() }
    }
}

impl Asking {
    /// Explains the decision about the described principal.
    ///
    /// # Errors
    /// [`AskingError`] when the question makes no sense.
    pub fn explain(&self, policies: &Policies, declared: &Declarations) -> Result<Explanation, AskingError> {
        let principal =
            Principal { tenant: TenantId::SYSTEM, issuer: self.issuer()?, subject: self.subject.as_str().into() };
        self.claims_fit(declared)?;
        let claims = Arc::new(self.claims.clone());
        let subject = Subject::new(policies.schema(), &principal, self.role.as_ref(), &claims);
        self.explain_subject(policies, &subject.map_err(|error| AskingError::new("principal", error.to_string()))?)
    }

    /// Explains the decision about a caller, whose token may be narrowed to less.
    ///
    /// # Errors
    /// [`AskingError`] when the question makes no sense.
    pub fn explain_caller(
        &self,
        policies: &Policies,
        caller: &Caller,
        methods: &[&'static Method],
    ) -> Result<Explanation, AskingError> {
        let subject =
            Subject::of(policies.schema(), caller).map_err(|error| AskingError::new("principal", error.to_string()))?;
        let mut explanation = self.explain_subject(policies, &subject)?;
        let method = methods.iter().find(|method| method.action == self.action);
        if method.is_some_and(|method| !caller.covers(method, &self.resource)) {
            explanation.verdict = Verdict::deny(Denial::OutsideScope);
        }
        Ok(explanation)
    }

    fn explain_subject(&self, policies: &Policies, subject: &Subject) -> Result<Explanation, AskingError> {
        let attributes = self.attributes()?;
        let kind = self.kind(policies.schema())?;
        let asked = Question { action: &self.action, kind, name: &self.resource, attributes: &attributes };
        Ok(explain(policies, subject, &asked))
    }

    fn issuer(&self) -> Result<IssuerRef, AskingError> {
        let wrong = |what: &str| Err(AskingError::new("principal", what));
        match (&self.issuer, self.authority.as_deref()) {
            (Some(name), None) => Ok(IssuerRef::Oidc(name.clone())),
            (None, Some("certificate")) => Ok(IssuerRef::Certificate),
            (None, Some("local-user")) => Ok(IssuerRef::LocalUser),
            (None, Some("node")) => Ok(IssuerRef::Node),
            (None, Some("operator")) => Ok(IssuerRef::Operator),
            (None, Some(_)) => wrong("`authority` is one of `certificate`, `local-user`, `node`, `operator`"),
            (Some(_), Some(_)) | (None, None) => wrong("give either `issuer` or `authority`"),
        }
    }

    /// A mistyped claim would make a refusal that is expected for another reason pass.
    fn claims_fit(&self, declared: &Declarations) -> Result<(), AskingError> {
        let declared = self.issuer.as_ref().and_then(|issuer| declared.get(issuer));
        for (claim, value) in &self.claims {
            let fits = match (declared.and_then(|claims| claims.get(claim)), value) {
                (None, _) => {
                    return Err(AskingError::new(
                        "principal",
                        format!("claim `{claim}` is not declared for the issuer"),
                    ));
                }
                (Some(ClaimType::Bool), ClaimValue::Bool(_))
                | (Some(ClaimType::Long), ClaimValue::Long(_))
                | (Some(ClaimType::Text), ClaimValue::Text(_))
                | (Some(ClaimType::Texts), ClaimValue::Texts(_)) => true,
                (Some(_), _) => false,
            };
            if !fits {
                return Err(AskingError::new("principal", format!("claim `{claim}` is not of its declared type")));
            }
        }
        Ok(())
    }

    fn kind(&self, schema: &PolicySchema) -> Result<ResourceKind, AskingError> {
        let action = &self.action;
        let kinds: Vec<_> = schema.kinds(action).collect();
        let names = || kinds.iter().map(|kind| kind.entity_type()).collect::<Vec<_>>().join(", ");
        match (&self.kind, kinds.as_slice()) {
            (_, []) => Err(AskingError::new("action", format!("unknown action `{action}`"))),
            (None, [one]) => Ok(*one),
            (None, _) => Err(AskingError::new(
                "action",
                format!("action `{action}` is for several kinds; give `kind`, one of {}", names()),
            )),
            (Some(name), _) => kinds.iter().copied().find(|kind| kind.entity_type() == name).ok_or_else(|| {
                AskingError::new("action", format!("action `{action}` is not for kind `{name}`, only for {}", names()))
            }),
        }
    }

    fn attributes(&self) -> Result<Vec<Attribute>, AskingError> {
        /// The attributes of the schema. Attributes come from our own code, so their names are static.
        const NAMES: &[&str] = &["exportable", "origin", "type"];
        let attribute = |(name, value): (&String, &ClaimValue)| {
            let known = NAMES.iter().copied().find(|known| known == name);
            let name = known.ok_or_else(|| AskingError::new("attributes", format!("unknown attribute `{name}`")))?;
            match value {
                ClaimValue::Bool(value) => Ok(Attribute::Bool(name, *value)),
                ClaimValue::Long(value) => Ok(Attribute::Long(name, *value)),
                ClaimValue::Text(value) => Ok(Attribute::Text(name, value.clone())),
                ClaimValue::Texts(_) => {
                    Err(AskingError::new("attributes", format!("attribute `{name}` cannot be a list")))
                }
            }
        };
        self.attributes.iter().map(attribute).collect()
    }
}
