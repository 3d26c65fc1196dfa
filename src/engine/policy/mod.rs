//! Policies: written, shown, explained, tried out.

mod delete;
mod draft;
mod explain;
mod get;
mod list;
mod put;
mod test;

pub(in crate::engine) use self::draft::Draft;
pub use self::{
    delete::DeletePolicy,
    explain::ExplainPolicy,
    get::GetPolicy,
    list::ListPolicies,
    put::PutPolicy,
    test::{MAX_EXPECTATIONS, TestPolicies},
};
