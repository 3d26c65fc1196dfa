//! The page that is printed.

use super::{Contender, Plan};
use crate::{
    cases::Case,
    load::{Seen, Shape, Window},
    measure::{median, range},
};

/// What is to be reached, as a ratio of requests a second. Printed beside what was seen; nothing fails by it.
pub(crate) struct Bar {
    /// Whose requests a second.
    pub(crate) of: &'static str,
    /// By whose they are divided.
    pub(crate) to: &'static str,
    /// What that must be.
    pub(crate) at_least: f64,
}

/// Prints a case.
pub(super) fn print(case: &Case, plan: &Plan, shape: Shape, window: Window, contenders: &[Contender], bars: &[Bar]) {
    println!("\n{}: {}", case.name, case.title);
    println!(
        "  {} in flight on {} connection{}, {} rounds of {:?} in turns, {} thread{} of the client",
        shape.in_flight,
        shape.connections,
        plural(shape.connections),
        plan.rounds,
        plan.round,
        window.threads,
        plural(window.threads),
    );
    let mut head = format!("  {:<12} {:>10} {:>19}", "", "requests/s", "least to most");
    for other in others(contenders) {
        head.push_str(&format!(" {:>15}", format!("to {}", other.name)));
    }
    println!("{head} {:>8} {:>8} {:>13} {:>13} {:>9}", "p50 us", "p99 us", "server CPU s", "client CPU s", "resident");
    let mut units = " ".repeat(head.len());
    units.push_str(&format!(" {:>8} {:>8} {:>13} {:>13} {:>9}", "", "", "a million", "a million", "MiB"));
    println!("{units}");
    for contender in contenders {
        println!("{}", row(contender, contenders));
    }
    for bar in bars {
        let find = |name| contenders.iter().find(|contender| contender.name == name);
        if let Some((of, to)) = find(bar.of).zip(find(bar.to)) {
            println!("  bar: {} at least {} of {}: {:.2}", bar.of, bar.at_least, bar.to, ratio(of, to));
        }
    }
}

/// Those that the others are compared with: the ceiling and the peer, where there are any.
fn others(contenders: &[Contender]) -> impl Iterator<Item = &Contender> {
    let compared = |contender: &&Contender| !contender.aside && !OURS.contains(&contender.name);
    contenders.iter().filter(move |contender| contenders.len() > 1 && compared(contender))
}

const OURS: [&str; 2] = ["keyward", "provider"];

fn row(contender: &Contender, all: &[Contender]) -> String {
    let seen = &contender.seen;
    let (least, most) = range(seen.iter().map(Seen::rate));
    let rate = median(seen.iter().map(Seen::rate));
    let spread = format!("{} to {}", grouped(least), grouped(most));
    let mut row = format!("  {:<12} {:>10} {spread:>19}", contender.name, grouped(rate));
    for other in others(all) {
        row.push_str(&format!(" {:>15.2}", ratio(contender, other)));
    }
    let answered = seen.iter().map(|seen| seen.answered as f64).sum::<f64>() / 1e6;
    let a_million = |cpu: fn(&Seen) -> f64| seen.iter().map(cpu).sum::<f64>() / answered;
    row.push_str(&format!(
        " {:>8.0} {:>8.0} {:>13.2} {:>13.2} {:>9.1}",
        median(seen.iter().map(|seen| seen.p50)),
        median(seen.iter().map(|seen| seen.p99)),
        a_million(|seen| seen.server_cpu),
        a_million(|seen| seen.client_cpu),
        contender.server.resident(),
    ));
    row
}

/// Of requests a second, round by round, the middle one.
fn ratio(of: &Contender, to: &Contender) -> f64 {
    median(of.seen.iter().zip(&to.seen).map(|(of, to)| of.rate() / to.rate()))
}

/// A number with its thousands set apart.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([1.0, 999.6, 1_234_567.0].map(grouped), ["1", "1,000", "1,234,567"]);
    }
}
