//! One file a noun.

pub(super) mod audit;
pub(super) mod backup;
pub(super) mod cluster;
pub(super) mod context;
mod described;
pub(super) mod issuer;
pub(super) mod key;
pub(super) mod operator;
pub(super) mod policy;
pub(super) mod role;
pub(super) mod seal;
pub(super) mod secret;
pub(super) mod status;
pub(super) mod tenant;
pub(super) mod token;
