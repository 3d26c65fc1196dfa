//! Backups of the store, while it serves.

mod create;
mod last;

pub use self::{
    create::{Backup, BackupItem, CreateBackup},
    last::{LastBackup, last, note},
};
