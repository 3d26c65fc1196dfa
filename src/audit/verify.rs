//! Checking a log without the daemon: for `keyward audit verify`, also in the client without a server.

pub use keyward_kit::audit::verify::{Expected, Finding, FindingKind, Known, LogReport, Report, verify};
