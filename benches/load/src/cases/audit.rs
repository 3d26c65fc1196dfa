//! Whether everything that was measured is in the audit log, and the log is whole.

use std::time::Instant;

use serde_json::Value;

use super::Case;
use crate::{
    load::Result,
    run::{Plan, grouped},
    servers::World,
};

/// See the module.
pub(super) const CASE: Case = Case { name: "audit", title: "`keyward audit verify` of what was recorded above", run };

fn run(case: &Case, world: &World, _: &Plan) -> Result<()> {
    println!("\n{}: {}", case.name, case.title);
    let broker = world.broker.borrow();
    let (answered, size) = (world.answered(broker.measured()), broker.audit_mib());
    let from = Instant::now();
    let report = broker.operator().json(&["audit", "verify"]);
    let took = from.elapsed().as_secs_f64();
    let logs = report.get("logs").and_then(Value::as_array).ok_or("there is no log")?;
    let records: u64 = logs.iter().filter_map(|log| log.get("records")?.as_u64()).sum();
    let whole = report.get("whole").and_then(Value::as_bool) == Some(true);
    if !whole || records < answered {
        return Err(format!("{answered} requests were answered, and the log is not whole: {report}"));
    }
    println!(
        "  whole: {} records of {} answers, {size:.0} MiB, verified in {took:.1} s",
        grouped(records as f64),
        grouped(answered as f64)
    );
    Ok(())
}
