//! The offline part: tables of expectations (`keyward policy test`) and explanations. Needs no server, no store and no
//! network, so the command line may use it.

mod asking;
mod explain;
mod table;

pub use self::{
    asking::{Asking, AskingError},
    explain::{Explanation, Finding, explain},
    table::{Outcome, Report, Table, TableError, offline, run, run_on},
};
