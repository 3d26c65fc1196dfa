//! The method table: every RPC has one row, and a row says all that the stations must know of it.
//!
//! This module is below all others: it names things and does nothing.

mod name;
mod request_id;
mod resource;
pub mod rows;

pub use self::{
    name::{MAX_NAME_BYTES, MAX_SEGMENT_BYTES, Name, NameError, NamePath, TenantId},
    request_id::{RequestId, RequestIdError},
    resource::{
        Attribute, Attributes, ClusterResource, IssuerResource, KeyResource, PolicyResource, Resource, ResourceKind,
        RoleResource, SecretResource, TenantResource, Tenantwide,
    },
    rows::METHODS,
};

/// Who may get as far as the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Proves something inside the request, e.g. login and join; the engine decides.
    Bootstrap,
    /// A caller with a token or a certificate; policy decides.
    Caller,
    /// A caller with a token or a certificate, about itself: who am I, narrow and revoke one's own token. Policy is not
    /// asked, because nobody could be kept from it: the caller holds the token.
    Own,
    /// Anyone. Read-only; the list of these is held by a test.
    Public,
    /// Works while sealed; rate-limited: init, unseal, seal status, recover.
    Sealed,
}

/// How an RPC is recorded (ARCHITECTURE.md, audit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditClass {
    /// One complete record, taken by a sink before the reply leaves.
    Read,
    /// Changes something, has an effect outside, or mints a credential: an intent before, an outcome after.
    Write,
}

/// One row of the method table.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// The gRPC path without its leading slash, e.g. `keyward.v1.SecretService/GetSecret`.
    pub rpc: &'static str,
    /// The action that policies name, e.g. `secret.read`. Several RPCs may share one.
    pub action: &'static str,
    /// What it acts on.
    pub resource: ResourceKind,
    /// How it is recorded.
    pub audit: AuditClass,
    /// Who may call it.
    pub access: Access,
}

/// A request that names its row in the method table and the resource it is about.
pub trait Action: Send + Sync + 'static {
    /// The row.
    const METHOD: &'static Method;
    /// What it acts on.
    type Resource: Resource;
    /// What this very request acts on.
    fn resource(&self) -> Self::Resource;
}

/// The row of a gRPC path (without the leading slash).
#[must_use]
pub fn find(rpc: &str) -> Option<&'static Method> {
    METHODS.iter().copied().find(|row| row.rpc == rpc)
}
