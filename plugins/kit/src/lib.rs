//! What both of Keyward's daemons need: owned tasks, settings, telemetry, TLS with reload, failover over endpoints, and
//! what the broker and its Kubernetes providers must understand alike.
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

pub mod audit;
pub mod cluster;
pub mod endpoints;
mod nearest;
pub mod sd;
pub mod settings;
pub mod tasks;
pub mod telemetry;
pub mod tls;

pub use self::nearest::nearest;
