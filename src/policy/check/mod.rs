//! The offline part: tables of expectations (`keyward policy test`) and explanations. Needs no server, no store and no
//! network, so the command line may use it.

mod explain;
mod table;

pub use self::{
    explain::{Explanation, Finding, explain},
    table::{Outcome, Report, Table, TableError, run},
};
