mod assumed;
mod cached;
mod deciding;
mod lockout;
mod offline;
mod slice;
mod writing;

use std::sync::Arc;

use super::*;
use crate::{
    identity::{Caller, CallerParts, ClaimType, ClaimValue, Claims, IssuerRef, Principal, Scope},
    method::{Access, Action, AuditClass, Method, Name, NamePath, Resource, ResourceKind, SecretResource, TenantId},
};

pub(super) const TENANT: TenantId = TenantId([7; 16]);

const fn row(rpc: &'static str, action: &'static str, resource: ResourceKind, access: Access) -> Method {
    Method { rpc, action, resource, audit: AuditClass::Read, access }
}

pub(super) static READ: Method = row("t/Read", "secret.read", ResourceKind::Secret, Access::Caller);
pub(super) static LIST: Method = row("t/List", "secret.list", ResourceKind::Secret, Access::Caller);
pub(super) static WRITE: Method = row("t/Write", "secret.write", ResourceKind::Secret, Access::Caller);
pub(super) static EXPORT: Method = row("t/Export", "key.export", ResourceKind::Key, Access::Caller);
pub(super) static POLICY: Method = row("t/Policy", "policy.write", ResourceKind::Policy, Access::Caller);
pub(super) static STATUS: Method = row("t/Status", "system.status", ResourceKind::System, Access::Public);
pub(super) static LOGIN: Method = row("t/Login", "token.login", ResourceKind::Token, Access::Bootstrap);
pub(super) static ROWS: &[&Method] = &[&READ, &LIST, &WRITE, &EXPORT, &POLICY, &STATUS, &LOGIN];

/// Reads one secret.
pub(super) struct Read(pub(super) &'static str);

impl Action for Read {
    const METHOD: &'static Method = &READ;
    type Resource = SecretResource;
    fn resource(&self) -> SecretResource {
        SecretResource(self.0.parse().unwrap())
    }
}

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn declarations() -> Declarations {
    let github = [("repository", ClaimType::Text), ("groups", ClaimType::Texts), ("admin", ClaimType::Bool)];
    let gitlab = [("repository", ClaimType::Text), ("project_id", ClaimType::Long)];
    let declare = |claims: &[(&str, ClaimType)]| claims.iter().map(|(claim, of)| ((*claim).to_owned(), *of)).collect();
    [(name("github"), declare(&github)), (name("gitlab"), declare(&gitlab))].into()
}

pub(super) fn schema() -> Arc<PolicySchema> {
    Arc::new(PolicySchema::new(ROWS, &declarations()).unwrap())
}

pub(super) fn text(policy: &str, text: &str) -> PolicyText {
    PolicyText { name: name(policy), text: text.to_owned() }
}

pub(super) fn compile(cedar: &str) -> Policies {
    Policies::compile(schema(), &[text("p", cedar)], 1).unwrap()
}

pub(super) fn claims(repository: &str) -> Claims {
    Arc::new([("repository".to_owned(), ClaimValue::Text(repository.to_owned()))].into())
}

pub(super) fn principal(issuer: &str, subject: &str) -> Principal {
    Principal { tenant: TENANT, issuer: IssuerRef::Oidc(name(issuer)), subject: subject.into() }
}

pub(super) fn caller(role: Option<&str>, scope: Scope) -> Caller {
    Caller::for_tests(CallerParts {
        principal: principal("github", "repo:acme/shop"),
        role: role.map(name),
        claims: claims("acme/shop"),
        scope,
        ceiling: Scope::unlimited(),
        token: None,
        node: None,
    })
}

pub(super) fn decide(policies: &Policies, role: Option<&str>, method: &'static Method, resource: &str) -> Verdict {
    let subject = Subject::of(policies.schema(), &caller(role, Scope::unlimited())).unwrap();
    let asked = Question { action: method.action, kind: method.resource, name: resource, attributes: &[] };
    policies.decide(&subject, &asked)
}

pub(super) fn reason(verdict: &Verdict) -> Denial {
    match verdict {
        Verdict::Allow(because) => panic!("allowed by {because}"),
        Verdict::Deny(denied) => denied.reason(),
    }
}

pub(super) fn because(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allow(because) => because.to_string(),
        Verdict::Deny(denied) => format!("not {}", denied.because()),
    }
}
