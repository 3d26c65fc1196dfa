//! All rows, joined from one file a service.

pub mod audit;
pub mod auth;
pub mod backup;
pub mod cluster;
pub mod crypto;
pub mod issuer;
pub mod key;
pub mod node;
pub mod policy;
pub mod role;
pub mod seal;
pub mod secret;
pub mod tenant;

use super::Method;

/// Makes the rows of a service: one constant an RPC, and `ALL`.
macro_rules! rows {
    ($service:literal; $($(#[$doc:meta])* $name:ident = $rpc:literal, $action:literal, $resource:ident, $audit:ident, $access:ident;)*) => {
        use crate::method::{Access, AuditClass, Method, ResourceKind};
        $(
            $(#[$doc])*
            pub const $name: Method = Method {
                rpc: concat!("keyward.v1.", $service, "/", $rpc),
                action: $action,
                resource: ResourceKind::$resource,
                audit: AuditClass::$audit,
                access: Access::$access,
            };
        )*
        /// Every row of the service.
        pub const ALL: &[&Method] = &[$(&$name),*];
    };
}
pub(crate) use rows;

const GROUPS: &[&[&Method]] = &[
    audit::ALL,
    auth::ALL,
    backup::ALL,
    cluster::ALL,
    crypto::ALL,
    issuer::ALL,
    key::ALL,
    node::ALL,
    policy::ALL,
    role::ALL,
    seal::ALL,
    secret::ALL,
    tenant::ALL,
];

const fn count() -> usize {
    let mut total = 0;
    let mut rest = GROUPS;
    while let Some((group, more)) = rest.split_first() {
        total += group.len();
        rest = more;
    }
    total
}

#[expect(clippy::indexing_slicing, reason = "evaluated while compiling: an index out of range does not build")]
const fn join() -> [&'static Method; count()] {
    let mut joined = [&secret::GET; count()];
    let (mut at, mut rest) = (0, GROUPS);
    while let Some((group, more)) = rest.split_first() {
        let mut inner: &[&'static Method] = group;
        while let Some((row, others)) = inner.split_first() {
            joined[at] = *row;
            at += 1;
            inner = others;
        }
        rest = more;
    }
    joined
}

static JOINED: [&Method; count()] = join();

/// Every RPC that the daemon serves.
pub static METHODS: &[&Method] = &JOINED;
