//! Roles: what callers act in.

mod delete;
mod get;
mod list;
mod put;

pub use self::{delete::DeleteRole, get::GetRole, list::ListRoles, put::PutRole};
