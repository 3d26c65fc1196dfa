//! `keyward-kube-kms`, the Kubernetes KMS provider of Keyward: serves kube-apiserver over a unix socket with a key that the
//! broker owns, and keeps a control plane working while the broker is away.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests say what they expect by failing"
    )
)]

pub mod app;
pub mod broker;
pub mod cli;
pub mod files;
pub mod follow;
pub mod keyset;
pub mod node;
pub mod offline;
pub mod ops;
pub mod serve;
pub mod settings;

/// The version of this software.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
