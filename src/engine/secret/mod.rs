//! Versioned secrets (kv): small documents of named fields, at a path.
//!
//! A secret is one metadata entry and one value a version, each bound to its path and version. Metadata is committed
//! together with the value, under compare-and-commit, so that versions are never skipped or written twice.

mod body;
mod delete;
mod destroy;
mod dropped;
mod get;
mod list;
mod metadata;
mod put;
mod record;
mod retention;

pub use self::{
    delete::{DeleteSecret, UndeleteSecret},
    destroy::{DestroySecret, Destruction},
    dropped::collect,
    get::{GetSecret, SecretValue},
    list::{ListSecrets, SecretFolder, SecretNames},
    metadata::{GetSecretMetadata, UpdateSecretMetadata},
    put::PutSecret,
    record::{Fields, SecretRecord, VersionEntry, VersionState},
    retention::sweep,
};
