//! What a decision costs: new, over many policies, and kept.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench says what it expects by failing")]

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use keyward::{
    identity::{Caller, ClaimValue, Claims, IssuerRef, Principal},
    method::{Access, Action, AuditClass, Method, Name, ResourceKind, SecretResource, TenantId},
    policy::{Declarations, Policies, Policy, PolicySchema, PolicyText, Question, Subject},
};

static READ: Method = Method {
    rpc: "bench/Read",
    action: "secret.read",
    resource: ResourceKind::Secret,
    audit: AuditClass::Read,
    access: Access::Caller,
};

const TENANT: TenantId = TenantId([1; 16]);
const SECRET: &str = "prod/f7/db/main";

struct Read(SecretResource);

impl Action for Read {
    const METHOD: &'static Method = &READ;
    type Resource = SecretResource;
    fn resource(&self) -> SecretResource {
        self.0.clone()
    }
}

fn policies(count: usize) -> Policies {
    let texts: Vec<_> = (0..count)
        .map(|n| {
            let n = if n == 0 { 7 } else { n + 1_000 };
            let text = format!(r#"permit(principal in Role::"r{n}", action == Action::"secret.read", resource in Folder::"prod/f{n}");"#);
            PolicyText { name: format!("p{n}").parse().unwrap(), text }
        })
        .collect();
    let schema = PolicySchema::new(&[&READ], &Declarations::new()).unwrap();
    Policies::compile(Arc::new(schema), &texts, 1).unwrap()
}

fn decisions(c: &mut Criterion) {
    let role: Name = "r7".parse().unwrap();
    let principal =
        Principal { tenant: TENANT, issuer: IssuerRef::Oidc("ci".parse().unwrap()), subject: "repo:acme/shop".into() };
    let claims: Claims =
        Arc::new((0..12).map(|n| (format!("claim{n}"), ClaimValue::Text("value".to_owned()))).collect());
    for count in [1, 50, 4_000] {
        let policies = policies(count);
        let subject = Subject::new(policies.schema(), &principal, Some(&role), &claims).unwrap();
        let asked = Question { action: READ.action, kind: ResourceKind::Secret, name: SECRET, attributes: &[] };
        assert!(policies.decide(&subject, &asked).is_allow());
        c.bench_function(&format!("decision/new/{count}_policies"), |b| {
            b.iter(|| policies.decide(black_box(&subject), &asked))
        });
    }
    let one = policies(1);
    c.bench_function("decision/entity_of_a_caller_with_12_claims", |b| {
        b.iter(|| Subject::new(one.schema(), black_box(&principal), Some(&role), &claims).unwrap());
    });

    // A kept refusal costs what a kept permit costs; only identity can make a caller that would be permitted.
    let station = Policy::new();
    station.replace(TENANT, policies(50));
    let (caller, action) = (Caller::anonymous(TENANT), Read(SecretResource(SECRET.parse().unwrap())));
    c.bench_function("decision/kept", |b| {
        b.iter(|| station.authorize(black_box(caller.clone()), &action, Vec::new()).is_ok())
    });
}

criterion_group!(benches, decisions);
criterion_main!(benches);
