//! `PolicyService`.

use std::collections::{BTreeMap, HashMap};

use keyward_api::v1 as pb;
use tonic::{Request, Response, Status};

use super::{
    convert::{page, parse, parse_optional, timestamp},
    door::Door,
};
use crate::{
    engine::{
        EngineError, Kept, Page,
        policy::{DeletePolicy, ExplainPolicy, GetPolicy, ListPolicies, PutPolicy, TestPolicies},
    },
    identity::ClaimValue,
    policy::{
        PolicyRecord, PolicyText, Verdict,
        check::{Asking, Explanation, Finding, Outcome, Report},
    },
};

impl From<PolicyRecord> for pb::Policy {
    fn from(record: PolicyRecord) -> Self {
        Self {
            name: record.policy.name.into(),
            text: record.policy.text,
            updated_at: Some(timestamp(record.updated_at)),
        }
    }
}

impl TryFrom<pb::PutPolicyRequest> for PutPolicy {
    type Error = EngineError;
    fn try_from(request: pb::PutPolicyRequest) -> Result<Self, EngineError> {
        let policy = PolicyText { name: parse("name", &request.name)?, text: request.text };
        Ok(Self { policy, force: request.force })
    }
}

impl From<Kept<PolicyRecord>> for pb::PutPolicyResponse {
    fn from(Kept(record): Kept<PolicyRecord>) -> Self {
        Self { policy: Some(record.into()) }
    }
}

impl TryFrom<pb::GetPolicyRequest> for GetPolicy {
    type Error = EngineError;
    fn try_from(request: pb::GetPolicyRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)? })
    }
}

impl From<PolicyRecord> for pb::GetPolicyResponse {
    fn from(record: PolicyRecord) -> Self {
        Self { policy: Some(record.into()) }
    }
}

impl TryFrom<pb::ListPoliciesRequest> for ListPolicies {
    type Error = EngineError;
    fn try_from(request: pb::ListPoliciesRequest) -> Result<Self, EngineError> {
        Ok(Self { page: page(request.page_size, request.page_token)? })
    }
}

impl From<Page<PolicyRecord>> for pb::ListPoliciesResponse {
    fn from(page: Page<PolicyRecord>) -> Self {
        // Without the texts: a page of them could be larger than a message may be.
        let policies = page.items.into_iter().map(|record| pb::Policy { text: String::new(), ..record.into() });
        Self { policies: policies.collect(), next_page_token: page.next }
    }
}

impl TryFrom<pb::DeletePolicyRequest> for DeletePolicy {
    type Error = EngineError;
    fn try_from(request: pb::DeletePolicyRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)?, force: request.force })
    }
}

impl From<Kept<()>> for pb::DeletePolicyResponse {
    fn from(_: Kept<()>) -> Self {
        Self {}
    }
}

impl TryFrom<pb::ExplainPolicyRequest> for ExplainPolicy {
    type Error = EngineError;
    fn try_from(request: pb::ExplainPolicyRequest) -> Result<Self, EngineError> {
        let of_caller = request.principal.is_none();
        let who = request.principal.unwrap_or_default();
        let asking = Asking {
            issuer: parse_optional("principal.issuer", &who.issuer)?,
            authority: some(who.authority),
            subject: who.subject,
            claims: values("principal.claims", who.claims)?,
            role: parse_optional("principal.role", &who.role)?,
            action: request.action,
            kind: some(request.kind),
            resource: request.resource,
            attributes: values("attributes", request.attributes)?,
        };
        Ok(Self { asking, of_caller })
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn values(
    field: &'static str,
    values: HashMap<String, pb::TypedValue>,
) -> Result<BTreeMap<String, ClaimValue>, EngineError> {
    use pb::typed_value::Value;
    let typed = |(name, value): (String, pb::TypedValue)| match value.value {
        Some(Value::Truth(value)) => Ok((name, ClaimValue::Bool(value))),
        Some(Value::Number(value)) => Ok((name, ClaimValue::Long(value))),
        Some(Value::Text(value)) => Ok((name, ClaimValue::Text(value))),
        Some(Value::Texts(value)) => Ok((name, ClaimValue::Texts(value.texts))),
        None => Err(EngineError::invalid(field, "every value needs a type")),
    };
    values.into_iter().map(typed).collect()
}

impl From<Explanation> for pb::Explanation {
    fn from(explanation: Explanation) -> Self {
        let (reason, because) = match &explanation.verdict {
            Verdict::Allow(because) => (String::new(), because),
            Verdict::Deny(denied) => (denied.reason().to_string(), denied.because()),
        };
        let because = because.iter().map(ToString::to_string).collect();
        let allowed = explanation.verdict.is_allow();
        let statements = explanation.findings.into_iter().map(|(id, effect, finding)| pb::ExplainedStatement {
            id: id.to_string(),
            effect: effect.to_string(),
            text: finding.to_string(),
            finding: found(&finding).into(),
        });
        Self { allowed, reason, because, statements: statements.collect() }
    }
}

fn found(finding: &Finding) -> pb::StatementFinding {
    match finding {
        Finding::Applies => pb::StatementFinding::Applies,
        Finding::Condition => pb::StatementFinding::Condition,
        Finding::Error(_) => pb::StatementFinding::Error,
        Finding::Action => pb::StatementFinding::Action,
        Finding::Principal => pb::StatementFinding::Principal,
        Finding::Resource => pb::StatementFinding::Resource,
    }
}

impl From<Explanation> for pb::ExplainPolicyResponse {
    fn from(explanation: Explanation) -> Self {
        Self { explanation: Some(explanation.into()) }
    }
}

impl TryFrom<pb::TestPoliciesRequest> for TestPolicies {
    type Error = EngineError;
    fn try_from(request: pb::TestPoliciesRequest) -> Result<Self, EngineError> {
        let text =
            |policy: pb::Policy| Ok(PolicyText { name: parse("policies.name", &policy.name)?, text: policy.text });
        let policies = request.policies.into_iter().map(text).collect::<Result<_, EngineError>>()?;
        Ok(Self { table: request.table, policies, only_these: request.only_these })
    }
}

impl From<Report> for pb::TestPoliciesResponse {
    fn from(report: Report) -> Self {
        let passed = report.passed();
        let outcome = |outcome: Outcome| pb::PolicyTestOutcome {
            name: outcome.name,
            differs: outcome.differs.unwrap_or_default(),
            explanation: Some(outcome.explanation.into()),
        };
        Self { passed, outcomes: report.0.into_iter().map(outcome).collect() }
    }
}

super::door::service! {
    pb::policy_service_server::PolicyService;
    put_policy(PutPolicyRequest) -> PutPolicyResponse = PutPolicy;
    get_policy(GetPolicyRequest) -> GetPolicyResponse = GetPolicy;
    list_policies(ListPoliciesRequest) -> ListPoliciesResponse = ListPolicies;
    delete_policy(DeletePolicyRequest) -> DeletePolicyResponse = DeletePolicy;
    explain_policy(ExplainPolicyRequest) -> ExplainPolicyResponse = ExplainPolicy;
    test_policies(TestPoliciesRequest) -> TestPoliciesResponse = TestPolicies;
}
