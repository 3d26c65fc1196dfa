//! The tasks that keep a node in step with the broker: one watches, one keeps what was seen, one reports what is held, one
//! renews the certificate.

mod keeper;
mod renewer;
mod reporter;
mod watcher;
mod witness;

pub use self::{
    keeper::Keeper,
    renewer::Renewer,
    reporter::report,
    watcher::watch,
    witness::{Refused, Taken, Witness},
};
