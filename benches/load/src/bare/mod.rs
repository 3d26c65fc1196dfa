//! The ceilings: the same transport, threads, allocator and build as the daemons, and next to no work.

mod crypto;
mod kms;
mod listener;

pub(crate) use self::{
    crypto::{OVERHEAD, serve_crypto},
    kms::serve_kms,
};
