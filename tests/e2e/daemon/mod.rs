//! The real daemon: how it starts, what it logs and tells the service manager, and how it ends.

mod deadlines;
mod dev;
mod logs;
mod notify;
mod starting;
mod stopping;
