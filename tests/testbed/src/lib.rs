//! Starts the foreign servers that Keyward is tested against: etcd, kube-apiserver, an OpenID provider, OpenBao, and
//! stand-ins for what cannot be had (the token endpoints of CI systems, slow and broken links).
//!
//! Everything here says what it expects by failing: a missing tool, a server that does not come up, an unexpected
//! answer is a panic with the command to run or the tail of the log. Nothing is ever skipped. The tools themselves are
//! built by `tests/testbed/setup/setup`. A server lives as long as its handle; when the test process dies, however it
//! dies, the kernel ends its servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "test support says what it expects by failing"
)]
#![allow(clippy::disallowed_methods, reason = "a stand-in server ends with its test; settings are the tests' own")]

mod apiserver;
mod bao;
pub mod ci;
mod etcd;
pub mod http;
mod kms_client;
mod oidc;
mod pki;
mod port;
mod process;
mod proxy;
mod runtime;
mod tools;

pub use apiserver::{Apiserver, ApiserverOptions, Output};
pub use bao::Bao;
pub use ci::CiTokens;
pub use etcd::Etcd;
pub use kms_client::kms_client;
pub use oidc::{OidcProvider, Page};
pub use pki::TestCa;
pub use port::{free_port, free_ports};
pub use process::{Process, wait_until};
pub use proxy::Proxy;
pub use tools::{Tool, bin, checkout};
