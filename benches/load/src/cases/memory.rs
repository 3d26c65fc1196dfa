//! What lies in memory once so many requests were answered. Looks at what the cases before it left.

use super::Case;
use crate::{
    load::Result,
    run::{Plan, grouped},
    servers::World,
};

/// See the module.
pub(super) const CASE: Case = Case { name: "memory", title: "Resident memory after what was measured above", run };

/// Fewer requests say little.
const ENOUGH: u64 = 100_000;

fn run(case: &Case, world: &World, _: &Plan) -> Result<()> {
    println!("\n{}: {}", case.name, case.title);
    let (broker, provider) = (world.broker.borrow().measured(), world.provider.borrow().measured());
    for (name, server, bar) in [
        ("bare tonic", world.bare.measured(), None),
        ("keyward", broker, Some(40)),
        ("OpenBao", world.openbao.measured(), None),
        ("bare echo", world.bare_kms.measured(), None),
        ("provider", provider, Some(15)),
    ] {
        let answered = world.answered(server);
        let bar = bar.map_or_else(String::new, |bar| format!(" (bar: {bar})"));
        let few = if answered < ENOUGH { ", which are few: run the other cases, or longer rounds" } else { "" };
        println!("  {name:<12} {:>6.1} MiB{bar} after {} requests{few}", server.resident(), grouped(answered as f64));
    }
    Ok(())
}
