//! Issuers of OIDC tokens whose word counts in the tenant.

mod delete;
mod get;
mod list;
mod put;
mod refresh;

pub use self::{
    delete::DeleteIssuer,
    get::{GetIssuer, ShownIssuer},
    list::ListIssuers,
    put::PutIssuer,
    refresh::{RefreshIssuer, RefreshedKeys},
};
