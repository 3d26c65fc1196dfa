//! Where things lie in the store. The one list of prefixes.

use crate::{
    method::TenantId,
    storage::{Path, PathError},
};

/// Everything of the control state.
pub(super) const CONTROL_PREFIX: &str = "c/";
/// The seal record, readable without any key.
const SEAL: &str = "seal";
/// Outcomes that the audit log does not have yet.
pub const PENDING_PREFIX: &str = "pending/";
/// Replies kept for retries.
pub const REPLY_PREFIX: &str = "reply/";

/// The seal record.
pub(super) fn seal() -> Result<Path, PathError> {
    Path::new(SEAL)
}

/// A control entry.
pub(super) fn entry(tenant: TenantId, key: &str) -> Result<Path, PathError> {
    Path::new(format!("{CONTROL_PREFIX}{tenant}/e/{key}"))
}

/// The head of a tenant's control state.
pub(super) fn head(tenant: TenantId) -> Result<Path, PathError> {
    Path::new(format!("{CONTROL_PREFIX}{tenant}/h"))
}

/// One bucket of the index of a tenant's control state.
pub(super) fn index(tenant: TenantId, bucket: usize) -> Result<Path, PathError> {
    Path::new(format!("{CONTROL_PREFIX}{tenant}/i/{bucket:02}"))
}

/// What a path of the control state is.
pub(super) enum ControlPlace<'a> {
    /// An entry, by its key `kind/name`.
    Entry(TenantId, &'a str),
    /// A head.
    Head(TenantId),
    /// A bucket of the index.
    Index(TenantId, usize),
}

/// Reads a path of the control state back.
pub(super) fn parse(path: &Path) -> Option<ControlPlace<'_>> {
    let rest = path.as_str().strip_prefix(CONTROL_PREFIX)?;
    let (tenant, rest) = rest.split_once('/')?;
    let tenant = TenantId::from_hex(tenant)?;
    if rest == "h" {
        return Some(ControlPlace::Head(tenant));
    }
    match rest.split_once('/')? {
        ("e", key) => Some(ControlPlace::Entry(tenant, key)),
        ("i", bucket) => Some(ControlPlace::Index(tenant, bucket.parse().ok()?)),
        _ => None,
    }
}

/// A place for data of a tenant, outside the control state: `d/<tenant>/<rest>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DataPath {
    tenant: TenantId,
    path: Path,
}

impl DataPath {
    /// `rest` is made of checked names by the engine that owns it, e.g. `kv/prod/db/v/00000001`.
    ///
    /// # Errors
    /// [`PathError`] when it is too long.
    pub fn new(tenant: TenantId, rest: &str) -> Result<Self, PathError> {
        Ok(Self { tenant, path: Path::new(format!("d/{tenant}/{rest}"))? })
    }

    /// What `list` gives back, as a place again.
    pub(super) fn from_listed(tenant: TenantId, path: Path) -> Self {
        Self { tenant, path }
    }

    /// Whose.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// In the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Without the part that says the tenant.
    #[must_use]
    pub fn rest(&self) -> &str {
        // `d/` + 32 hex digits + `/`
        self.path.as_str().get(35..).unwrap_or_default()
    }
}
