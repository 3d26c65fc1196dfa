//! Servers that do the same work, in turns: A B C, A B C, so that whatever else the machine does hits all of them.

use super::{Bar, Plan, table};
use crate::{
    cases::Case,
    load::{Result, Seen, Shape, Target, Window, drive},
    measure::Measured,
    servers::World,
};

/// One server, and how it is asked.
pub(crate) struct Contender {
    /// Its name in the table.
    pub(super) name: &'static str,
    /// Its process.
    pub(super) server: Measured,
    drive: Box<dyn Fn(Shape, Window) -> Result<Seen>>,
    /// Whether the others are compared with it.
    pub(super) aside: bool,
    /// What was seen of it, a round each.
    pub(super) seen: Vec<Seen>,
}

impl Contender {
    /// A server that is asked as `target` says.
    pub(crate) fn new(name: &'static str, server: Measured, target: impl Target) -> Self {
        let drive = Box::new(move |shape, window| drive(&target, server, shape, window));
        Self { name, server, drive, aside: false, seen: Vec::new() }
    }

    /// Only shown: the others are not compared with it.
    pub(crate) fn aside(self) -> Self {
        Self { aside: true, ..self }
    }
}

/// Measures all of them and prints the table. The first is the ceiling.
pub(crate) fn contest(
    case: &Case,
    world: &World,
    plan: &Plan,
    shape: Shape,
    contenders: &mut [Contender],
    bars: &[Bar],
) -> Result<()> {
    let window = plan.window(shape.connections);
    for _ in 0..plan.rounds {
        for contender in &mut *contenders {
            let seen = (contender.drive)(shape, window).map_err(|error| format!("{}: {error}", contender.name))?;
            world.count(contender.server, seen.answered);
            contender.seen.push(seen);
        }
    }
    table::print(case, plan, shape, window, contenders, bars);
    Ok(())
}
