//! Measures Keyward under load, beside a server that does only the cryptography and beside OpenBao, in one run.
//!
//! `run` starts everything, loads one server after the other in rounds, and prints ratios; `bare-crypto` and `bare-kms` are
//! the ceilings, started by `run` as processes of their own. What is measured and how to read it: docs/performance.md.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench says what it expects by failing, and prints what it measured"
)]

mod args;
mod bare;
mod cases;
mod load;
mod machine;
mod measure;
mod run;
mod servers;

use clap::Parser as _;

use self::args::Command;

// As both daemons have it: what is compared with them is built the same way.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    keyward_kit::tls::install_provider();
    match Command::parse() {
        Command::Run(args) => run::run(&args),
        Command::BareCrypto(args) => bare::serve_crypto(&args),
        Command::BareKms(args) => bare::serve_kms(&args),
        Command::Cases => cases::ALL.iter().for_each(|case| println!("{:<16} {}", case.name, case.title)),
    }
}
