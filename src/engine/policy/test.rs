//! Runs a table of expectations.

use super::{Draft, draft::off_thread};
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, Method, ResourceKind, Tenantwide, rows},
    policy::{
        MAX_POLICIES, Permit, PolicyText, Problems,
        check::{Report, Table, run_on},
    },
};

/// The most expectations of a table that the broker runs.
pub const MAX_EXPECTATIONS: usize = 500;

/// See the module.
pub struct TestPolicies {
    /// The table, TOML.
    pub table: String,
    /// Policies to try: they replace those in force of the same name.
    pub policies: Vec<PolicyText>,
    /// Only these, without those in force.
    pub only_these: bool,
}

impl Reply for Report {}

impl Action for TestPolicies {
    const METHOD: &'static Method = &rows::policy::TEST;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Policy)
    }
}

impl Operation for TestPolicies {
    type Reply = Report;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Report>, EngineError> {
        let mut draft = Draft::of(world, permit.tenant());
        if self.only_these {
            draft.policies.clear();
        }
        let tried: Vec<_> = self.policies.iter().map(|policy| policy.name.clone()).collect();
        draft.policies.extend(self.policies.iter().map(|policy| (policy.name.clone(), policy.clone())));
        if draft.policies.len() > MAX_POLICIES {
            return Err(EngineError::Limit { what: "the number of policies", limit: MAX_POLICIES as u64 });
        }
        let table = self.table.clone();
        off_thread(move || {
            let table = Table::parse(&table).map_err(|error| EngineError::invalid("table", error.to_string()))?;
            if table.len() > MAX_EXPECTATIONS {
                return Err(EngineError::Limit { what: "the number of expectations", limit: MAX_EXPECTATIONS as u64 });
            }
            let (policies, problems) = draft.compile()?;
            let own = Problems(
                problems.0.into_iter().filter(|p| tried.iter().any(|name| name.as_str() == p.policy)).collect(),
            );
            if !own.0.is_empty() {
                return Err(EngineError::invalid("policies", own.to_string()));
            }
            let report = run_on(&policies, &draft.declarations(), &table);
            report.map(Done::Answer).map_err(|error| EngineError::invalid("table", error.to_string()))
        })
        .await
    }
}
