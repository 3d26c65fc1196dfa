//! Revocation: tokens end before their time. A list of records, kept hot on every replica and looked at on each request.
//!
//! A record takes back what was issued up to a moment; what is issued later is policy's business. So a record can be
//! forgotten once everything that it matches has expired by itself, and the list stays short.

mod hot;
mod record;

pub use self::{
    hot::Revocations,
    record::{OwnToken, Revocation, Revoked},
};
