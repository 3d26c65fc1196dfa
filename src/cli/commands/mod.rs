//! One file a noun.

pub(super) mod operator;
pub(super) mod secret;
pub(super) mod tenant;
pub(super) mod token;
