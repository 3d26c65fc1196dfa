//! What tests of the whole need: a real broker in this process, callers with real TLS, and the real command line.
#![allow(dead_code, reason = "each test takes what it needs")]

mod broker;
mod caller;
#[macro_use]
pub mod canary;
mod cli;
mod daemon;
mod jobs;
mod provider;
mod status;
mod tenant;
mod timed;

#[allow(unused_imports, reason = "each test takes what it needs")]
pub use self::{
    broker::{Broker, Setup, broker},
    caller::{Caller, Client, Key, tls},
    cli::{Keyward, Ran},
    daemon::{Daemon, Wanted},
    jobs::{AUDIENCE, github},
    provider::Provider,
    status::{field, reason},
    timed::Timed,
};
