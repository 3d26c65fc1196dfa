//! The proof that something was authorized.

use std::fmt;

use super::PolicyIds;
use crate::{
    identity::Caller,
    method::{Action, TenantId},
};

/// Proof that `A` was authorized on its resource. Private fields, one maker: [`super::Policy::authorize`].
///
/// An engine reads it:
/// ```
/// # use keyward::{method::Action, policy::Permit, identity::Caller};
/// fn spend<A: Action>(permit: Permit<A>) -> (Caller, A::Resource) {
///     (permit.caller().clone(), permit.resource().clone())
/// }
/// ```
/// It cannot be made elsewhere:
/// ```compile_fail,E0451
/// # use keyward::{method::Action, policy::Permit, identity::Caller};
/// fn forge<A: Action>(caller: Caller, resource: A::Resource) -> Permit<A> {
///     Permit { caller, resource, because: Default::default() }
/// }
/// ```
/// and not be used twice:
/// ```compile_fail,E0382
/// # use keyward::{method::Action, policy::Permit};
/// fn twice<A: Action>(permit: Permit<A>) -> (Permit<A>, Permit<A>) {
///     (permit, permit)
/// }
/// ```
/// ```compile_fail,E0599
/// # use keyward::{method::Action, policy::Permit};
/// fn copy<A: Action>(permit: Permit<A>) -> (Permit<A>, Permit<A>) {
///     (permit.clone(), permit)
/// }
/// ```
#[must_use = "a permit that is not spent means that work was authorized and not done"]
pub struct Permit<A: Action> {
    caller: Caller,
    resource: A::Resource,
    because: PolicyIds,
}

impl<A: Action> Permit<A> {
    pub(super) fn new(caller: Caller, resource: A::Resource, because: PolicyIds) -> Self {
        Self { caller, resource, because }
    }

    /// Who may.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Spends it.
    #[must_use]
    pub fn into_caller(self) -> Caller {
        self.caller
    }

    /// The tenant in which.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.caller.tenant()
    }

    /// On what.
    #[must_use]
    pub fn resource(&self) -> &A::Resource {
        &self.resource
    }

    /// The statements that permit it; `row:public`, `row:sealed` or `row:bootstrap` where the method table itself
    /// does, `row:recovered` where recovery does.
    #[must_use]
    pub fn because(&self) -> &PolicyIds {
        &self.because
    }
}

impl<A: Action> fmt::Debug for Permit<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({}, because of {})", A::METHOD.rpc, self.because)
    }
}
