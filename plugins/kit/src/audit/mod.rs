//! The audit log as both daemons write it and anybody can check it: a compact record, a chain, a Merkle tree (RFC 6962)
//! with signed checkpoints (C2SP tlog formats), files, and what proves that nothing was cut or changed.
//!
//! Knows nothing of requests: the broker's `audit` station fills the records. What it cannot do: notice that whoever
//! holds the signing key wrote another history, unless someone outside kept a checkpoint.

pub mod checkpoint;
pub mod file;
pub mod note;
pub mod read;
pub mod record;
pub mod tree;
pub mod verify;

pub use self::{
    checkpoint::{Checkpoint, Head, MAX_HEADS},
    file::{AppendError, Durability, FileLog, Priority},
    note::{NoteError, Signer, Verifier},
    record::{Record, RecordError},
    tree::{Hash, Tree},
    verify::{Finding, Report},
};
