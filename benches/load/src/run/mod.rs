//! One run: start everything, measure case after case, print.

mod contest;
mod table;

use std::time::Duration;

pub(crate) use self::{
    contest::{Contender, contest},
    table::{Bar, grouped},
};
use crate::{args::RunArgs, cases, load::Window, machine, servers::World};

/// How long each server has to get warm in each round.
const WARM: Duration = Duration::from_millis(500);

/// How much is measured.
pub(crate) struct Plan {
    rounds: u64,
    round: Duration,
    threads: Option<usize>,
}

impl Plan {
    /// For so many connections.
    fn window(&self, connections: usize) -> Window {
        let threads = self.threads.unwrap_or(machine::cores() / 2).clamp(1, connections);
        Window { warm: WARM.min(self.round), measured: self.round, threads }
    }
}

/// Carries it out.
///
/// # Panics
/// When something is not as it should be: a wrong answer ends the run.
pub(crate) fn run(args: &RunArgs) {
    let chosen: Vec<_> = cases::ALL
        .iter()
        .filter(|case| args.cases.is_empty() || args.cases.iter().any(|name| name == case.name))
        .collect();
    let unknown: Vec<_> = args.cases.iter().filter(|name| cases::ALL.iter().all(|case| case.name != **name)).collect();
    assert!(unknown.is_empty(), "there is no case {unknown:?}; `keyward-bench cases` lists them");
    println!("{}", machine::described());
    let plan = Plan {
        rounds: args.rounds,
        round: args.round,
        threads: args.client_threads.and_then(|threads| usize::try_from(threads).ok()),
    };
    let world = World::start(args);
    for case in chosen {
        if let Err(error) = (case.run)(case, &world, &plan) {
            panic!("{}: {error}", case.name);
        }
    }
}
