//! The bytes of a backup. All numbers are big-endian.
//!
//! ```text
//! header  magic 16 | version u32 | kind u8 | revision u64 | created u64, milliseconds
//! entry   1 | revision u64 | path length u16 | value length u32 | path | value      in byte order of the paths
//! mark    2 | entries so far u64 | SHA-256 of every byte before this record
//! end     3 | entries u64 | SHA-256 of every byte before this record                nothing follows
//! ```
//! Marks come at least every MiB and say, of a damaged backup, where the damage lies.

use crate::storage::StoreKind;

/// Ends like a line of a text file of another system, so that a copy in "text mode" is seen.
pub(super) const MAGIC: &[u8; 16] = b"keyward backup\r\n";
pub(super) const VERSION: u32 = 1;

pub(super) const ENTRY: u8 = 1;
pub(super) const MARK: u8 = 2;
pub(super) const END: u8 = 3;

/// A mark is written when this many bytes came after the last one.
pub(super) const MARK_EVERY: u64 = 1 << 20;

pub(super) fn kind_code(kind: StoreKind) -> u8 {
    match kind {
        StoreKind::Production => 0,
        StoreKind::Dev => 1,
    }
}

pub(super) fn kind_of(code: u8) -> Option<StoreKind> {
    [StoreKind::Production, StoreKind::Dev].into_iter().find(|kind| kind_code(*kind) == code)
}
