//! The station between identity and the engines.

use std::{
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, LazyLock},
};

use arc_swap::ArcSwap;
use quick_cache::{Equivalent, sync::Cache};

use super::{
    ASSUME, Denial, Denied, Permit, Policies, PolicyIds, Question, Subject, Verdict,
    decisions::{Asked, Decisions},
};
use crate::{
    identity::{Caller, Claims, IssuerRef, Principal},
    method::{Access, Action, Attributes, AuditClass, Method, Name, Resource, ResourceKind, TenantId},
};

/// What [`Policy::still_assumes`] keeps its decisions under; no RPC.
static ASSUMING: Method = Method {
    rpc: "",
    action: ASSUME,
    resource: ResourceKind::Role,
    audit: AuditClass::Read,
    access: Access::Bootstrap,
};

/// How many callers' entities are kept.
const KEPT_SUBJECTS: usize = 1024;

/// Decides for all tenants, and makes the permits.
pub struct Policy {
    tenants: ArcSwap<HashMap<TenantId, Arc<Policies>>>,
    subjects: Cache<ByAddress, Arc<Subject>>,
    decisions: Decisions,
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy {
    /// Without any tenant: refuses all that needs a policy.
    #[must_use]
    pub fn new() -> Self {
        Self { tenants: ArcSwap::default(), subjects: Cache::new(KEPT_SUBJECTS), decisions: Decisions::new() }
    }

    /// Puts a tenant's policies in force, at once and for every request that is authorized from now on.
    pub fn replace(&self, tenant: TenantId, policies: Policies) {
        let policies = Arc::new(policies);
        self.tenants.rcu(|tenants| {
            let mut tenants = HashMap::clone(tenants);
            tenants.insert(tenant, Arc::clone(&policies));
            tenants
        });
    }

    /// Forgets a tenant: it is suspended or destroyed. Everything in it is refused from now on.
    pub fn remove(&self, tenant: TenantId) {
        self.tenants.rcu(|tenants| {
            let mut tenants = HashMap::clone(tenants);
            tenants.remove(&tenant);
            tenants
        });
    }

    /// The policies in force in a tenant.
    #[must_use]
    pub fn policies(&self, tenant: TenantId) -> Option<Arc<Policies>> {
        self.tenants.load().get(&tenant).cloned()
    }

    /// Authorizes one request: by its row of the method table where the row alone decides, by policy otherwise.
    ///
    /// # Errors
    /// [`Denied`], which says why to the audit log only.
    pub fn authorize<A: Action>(
        &self,
        caller: Caller,
        action: &A,
        attributes: Attributes,
    ) -> Result<Permit<A>, Denied> {
        let resource = action.resource();
        let because = match granted_by_row(A::METHOD) {
            // What a token may of itself ends with its tenant, too.
            Some(_) if A::METHOD.access == Access::Own && !self.tenants.load().contains_key(&caller.tenant()) => {
                return Err(Denied { reason: Denial::UnknownTenant, because: PolicyIds::default() });
            }
            Some(because) => because,
            None => match self.decide(&caller, A::METHOD, &resource, &attributes) {
                Verdict::Allow(because) => because,
                Verdict::Deny(denied) if denied.reason() != Denial::UnknownTenant => {
                    mending(&caller, A::METHOD, resource.name()).ok_or(denied)?
                }
                Verdict::Deny(denied) => return Err(denied),
            },
        };
        Ok(Permit::new(caller, resource, because))
    }

    /// Whether a principal may take a role now: at login, and again after a change of policy, role or issuer.
    ///
    /// # Errors
    /// [`Denied`] when it may not.
    pub fn assume(&self, principal: &Principal, claims: &Claims, role: &Name) -> Result<PolicyIds, Denied> {
        let verdict = match self.tenants.load().get(&principal.tenant) {
            Some(policies) => policies.decide_assume(principal, claims, role),
            None => Verdict::deny(Denial::UnknownTenant),
        };
        match verdict {
            Verdict::Allow(because) => Ok(because),
            Verdict::Deny(denied) => Err(denied),
        }
    }

    /// Whether a caller may still take the role of its token. Asked with each request and kept exactly, so that it costs a
    /// new decision only after a change of policies or issuers. Callers without a role, and the operators that `init` and
    /// `recover` made, took theirs in no such way.
    ///
    /// # Errors
    /// [`Denied`] when it may not take it any more.
    pub fn still_assumes(&self, caller: &Caller) -> Result<(), Denied> {
        let principal = caller.principal();
        let Some(role) = caller.role().filter(|_| principal.issuer != IssuerRef::Operator) else { return Ok(()) };
        let tenants = self.tenants.load();
        let verdict = match tenants.get(&caller.tenant()) {
            None => Verdict::deny(Denial::UnknownTenant),
            Some(policies) => {
                let (generation, kind, name) = (policies.generation(), ResourceKind::Role, role.as_str());
                let asked = Asked { generation, caller, method: &ASSUMING, kind, name, attributes: &[] };
                self.decisions.get_or(&asked, || match &principal.issuer {
                    IssuerRef::Oidc(issuer) if !policies.schema().knows_issuer(issuer) => {
                        Verdict::deny(Denial::NoPermit)
                    }
                    _ => policies.decide_assume(principal, caller.claims(), role),
                })
            }
        };
        match verdict {
            Verdict::Allow(_) => Ok(()),
            Verdict::Deny(denied) => Err(denied),
        }
    }

    fn decide<R: Resource>(
        &self,
        caller: &Caller,
        method: &'static Method,
        resource: &R,
        attributes: &Attributes,
    ) -> Verdict {
        let tenants = self.tenants.load();
        let Some(policies) = tenants.get(&caller.tenant()) else { return Verdict::deny(Denial::UnknownTenant) };
        let (generation, kind, name) = (policies.generation(), resource.kind(), resource.name());
        self.decisions.get_or(&Asked { generation, caller, method, kind, name, attributes }, || {
            if !caller.covers(method, name) {
                return Verdict::deny(Denial::OutsideScope);
            }
            match self.subject(policies, caller) {
                Some(subject) => policies.decide(&subject, &Question { action: method.action, kind, name, attributes }),
                None => Verdict::deny(Denial::Error),
            }
        })
    }

    /// The entity of a caller says nothing about policies, so it outlives a change of them.
    fn subject(&self, policies: &Policies, caller: &Caller) -> Option<Arc<Subject>> {
        if let Some(kept) = self.subjects.get(&caller.address()) {
            return Some(kept);
        }
        let subject = Arc::new(Subject::of(policies.schema(), caller).ok()?);
        self.subjects.insert(ByAddress(caller.clone()), Arc::clone(&subject));
        Some(subject)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("tenants", &self.tenants.load().len()).finish_non_exhaustive()
    }
}

/// What the method table grants by itself. Beside [`mending`] the only place that grants without asking the policies, and
/// never for [`Access::Caller`]. No policy can have such an id, since names have no colon.
fn granted_by_row(method: &Method) -> Option<PolicyIds> {
    static ROWS: LazyLock<[PolicyIds; 4]> = LazyLock::new(|| {
        ["row:bootstrap", "row:own", "row:public", "row:sealed"].map(|id| PolicyIds::of(std::iter::once(id)))
    });
    let [bootstrap, own, public, sealed] = &*ROWS;
    match method.access {
        Access::Bootstrap => Some(bootstrap.clone()),
        Access::Caller => None,
        Access::Own => Some(own.clone()),
        Access::Public => Some(public.clone()),
        Access::Sealed => Some(sealed.clone()),
    }
}

/// What grants an operator of recovery the reading and writing of policies, whatever policies say: there may be one that
/// nobody else could take back. Everything else is up to policies.
fn mending(caller: &Caller, method: &Method, name: &str) -> Option<PolicyIds> {
    static MENDING: LazyLock<PolicyIds> = LazyLock::new(|| PolicyIds::of(std::iter::once("row:recovered")));
    let may =
        caller.principal().is_recovered() && method.resource == ResourceKind::Policy && caller.covers(method, name);
    may.then(|| MENDING.clone())
}

/// A caller as a key: told apart by its address, which is its own as long as it is held here.
struct ByAddress(Caller);

impl Hash for ByAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.address().hash(state);
    }
}

impl PartialEq for ByAddress {
    fn eq(&self, other: &Self) -> bool {
        self.0.address() == other.0.address()
    }
}

impl Eq for ByAddress {}

impl Equivalent<ByAddress> for usize {
    fn equivalent(&self, key: &ByAddress) -> bool {
        *self == key.0.address()
    }
}
