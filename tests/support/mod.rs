//! What tests of the whole need: a real broker in this process, callers with real TLS, and the real command line.
#![allow(dead_code, reason = "each test takes what it needs")]

mod broker;
mod caller;
mod cli;
mod status;

#[allow(unused_imports, reason = "each test takes what it needs")]
pub use self::{
    broker::{Broker, Setup, broker},
    caller::{Caller, Client, Key},
    cli::{Keyward, Ran},
    status::{field, reason},
};
