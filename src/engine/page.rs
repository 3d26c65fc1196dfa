//! Paging, the same for every list.

use std::sync::Arc;

use super::Reply;
use crate::{keyring::Table, method::TenantId};

/// The most entries a page has.
pub const MAX_PAGE: usize = 1_000;
/// What a page has when the caller does not say.
pub(super) const DEFAULT_PAGE: usize = 100;

/// Which part of a list.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// At most [`MAX_PAGE`]; 0 means [`DEFAULT_PAGE`].
    pub size: u32,
    /// The last name of the page before; empty: from the start.
    pub after: String,
}

/// A part of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// The token for the next page, empty at the end.
    pub next: String,
}

impl<T: Send + 'static> Reply for Page<T> {}

impl PageRequest {
    /// How many entries.
    #[must_use]
    pub fn limit(&self) -> usize {
        match usize::try_from(self.size).unwrap_or(MAX_PAGE) {
            0 => DEFAULT_PAGE,
            size => size.min(MAX_PAGE),
        }
    }

    /// A page of a hot table.
    #[must_use]
    pub fn of_table<T, R>(&self, table: &Table<T>, tenant: TenantId, show: impl Fn(&Arc<str>, &T) -> R) -> Page<R> {
        let rows = table.list(tenant, &self.after, self.limit());
        let next = if rows.len() == self.limit() {
            rows.last().map_or_else(String::new, |(n, _)| n.to_string())
        } else {
            String::new()
        };
        Page { items: rows.iter().map(|(name, row)| show(name, row)).collect(), next }
    }
}
