//! What would be in force after a change of policies, roles or issuers: looked at before it is made.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    engine::{EngineError, World},
    identity::{IssuerConfig, RoleConfig},
    method::{METHODS, Name, TenantId},
    policy::{
        Declarations, Policies, PolicySchema, PolicyText, Problems, SchemaError, WRITE_POLICY,
        someone_can_write_policies,
    },
};

/// A tenant's policies, roles and issuers, to be changed and then checked. Checking is slow with many policies, so it is
/// done off the serving threads.
#[derive(Clone)]
pub(in crate::engine) struct Draft {
    /// By name.
    pub(in crate::engine) policies: BTreeMap<Name, PolicyText>,
    /// By name.
    pub(in crate::engine) issuers: BTreeMap<Name, IssuerConfig>,
    /// By name.
    pub(in crate::engine) roles: BTreeMap<Name, Arc<RoleConfig>>,
}

impl Draft {
    /// What is in force now.
    pub(in crate::engine) fn of(world: &World, tenant: TenantId) -> Self {
        let policies =
            world.tables.policies.all(tenant).into_iter().map(|(_, p)| (p.policy.name.clone(), p.policy.clone()));
        let issuers =
            world.tables.issuers.all(tenant).into_iter().map(|(_, i)| (i.name.clone(), IssuerConfig::clone(&i)));
        let roles = world.tables.roles.all(tenant).into_iter().map(|(_, role)| (role.name.clone(), role));
        Self { policies: policies.collect(), issuers: issuers.collect(), roles: roles.collect() }
    }

    /// Refuses a lock-out, and the policy called `written` if it is not valid.
    pub(in crate::engine) async fn check_policy(self, written: Option<Name>, force: bool) -> Result<(), EngineError> {
        off_thread(move || {
            let (policies, problems) = self.compile()?;
            let own = problems.0.into_iter().filter(|p| written.as_ref().is_some_and(|name| name.as_str() == p.policy));
            let own = Problems(own.collect());
            if !own.0.is_empty() {
                return Err(EngineError::invalid("text", own.to_string()));
            }
            self.refuse_lockout(&policies, force)
        })
        .await
    }

    /// Refuses a lock-out by a change of roles.
    pub(in crate::engine) async fn check_roles(self, in_force: Arc<Policies>, force: bool) -> Result<(), EngineError> {
        off_thread(move || self.refuse_lockout(&in_force, force)).await
    }

    /// Refuses issuers that contradict each other, what makes policies invalid that are valid `before`, and a lock-out.
    pub(in crate::engine) async fn check_issuers(self, before: Self, force: bool) -> Result<(), EngineError> {
        off_thread(move || {
            let (policies, problems) = self.compile()?;
            if !force && !problems.0.is_empty() {
                let known = before.compile().map(|(_, problems)| problems.0).unwrap_or_default();
                let new = Problems(problems.0.into_iter().filter(|problem| !known.contains(problem)).collect());
                if !new.0.is_empty() {
                    return Err(EngineError::state(
                        "POLICIES_INVALID",
                        format!("policies would not be valid any more; change them first, or force it:\n{new}"),
                    ));
                }
            }
            self.refuse_lockout(&policies, force)
        })
        .await
    }

    /// Compiles what would be in force.
    pub(in crate::engine) fn compile(&self) -> Result<(Policies, Problems), EngineError> {
        let schema = PolicySchema::new(METHODS, &self.declarations()).map_err(no_schema)?;
        let texts: Vec<_> = self.policies.values().cloned().collect();
        Ok(Policies::load(Arc::new(schema), &texts, 0))
    }

    /// The claims that the issuers declare.
    pub(in crate::engine) fn declarations(&self) -> Declarations {
        self.issuers.iter().map(|(name, issuer)| (name.clone(), issuer.declared_types())).collect()
    }

    fn refuse_lockout(&self, policies: &Policies, force: bool) -> Result<(), EngineError> {
        if force {
            return Ok(());
        }
        // A role that is narrowed to paths, or to other actions, cannot write policies whatever they say.
        let writes = |role: &RoleConfig| {
            let (paths, actions) = (role.scope.paths(), role.scope.actions());
            paths.is_empty() && (actions.is_empty() || actions.iter().any(|action| action == WRITE_POLICY))
        };
        let roles: BTreeSet<Name> =
            self.roles.iter().filter(|(_, role)| writes(role)).map(|(name, _)| name.clone()).collect();
        if someone_can_write_policies(policies, &roles, &self.issuers.keys().cloned().collect()) {
            return Ok(());
        }
        Err(EngineError::state(
            "LOCK_OUT",
            "nobody who can surely write policies would be left; keep a `permit` without conditions for a role that can be \
             taken, and no `forbid` on the same, or force it",
        ))
    }
}

fn no_schema(error: SchemaError) -> EngineError {
    match error {
        SchemaError::Cedar(_) => EngineError::Internal(error.to_string()),
        SchemaError::ClaimName(..) | SchemaError::ClaimTypes { .. } => {
            EngineError::invalid("claims", error.to_string())
        }
    }
}

/// Does what takes long off the serving threads.
pub(in crate::engine) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| EngineError::Internal(format!("looking at policies: {error}")))?
}
