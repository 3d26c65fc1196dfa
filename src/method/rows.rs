//! All rows, joined from one file a service.

use super::Method;

/// Every RPC that the daemon serves.
pub const METHODS: &[&Method] = &[];
