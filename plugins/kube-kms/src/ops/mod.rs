//! For operators: counters, and `/livez`, `/readyz`, `/metrics` on a loopback port.

mod http;
mod metrics;

pub use self::{
    http::serve,
    metrics::{Call, Metrics},
};
