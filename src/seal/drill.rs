//! What the present paths survive, and who together can open them. Reads the record alone; asks no one.
//!
//! Counted are holders, not members: one key that is a member of two paths is lost in both, and one that holds two shares of a
//! path counts twice. A person is known by the label alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Holder, MemberRecord, Name, PathRecord, SealRecord};

/// How many combinations are looked through for the smallest fatal losses.
const TRIES: usize = 50_000;
/// How many fatal losses are listed.
const LISTED: usize = 50;

/// The table of `keyward seal drill`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// For each path the fewest holders that open it, the smallest first.
    pub coalitions: Vec<Coalition>,
    /// Each holder, and whether the seal can still be opened without it.
    pub single_losses: Vec<Loss>,
    /// The smallest sets of holders without whom nothing opens, at most 50 of them.
    pub fatal: Vec<Loss>,
    /// How many holders may be lost, whichever they are. A lower bound if there were too many combinations to look through.
    pub survives_any: usize,
    /// Holders who open the root alone.
    pub alone: Vec<String>,
}

/// Who opens a path together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coalition {
    /// The path.
    pub path: Name,
    /// Shares that it takes.
    pub k: u8,
    /// All holders of the path.
    pub of: Vec<String>,
    /// One smallest choice of them.
    pub smallest: Vec<String>,
}

/// A loss, and whether the seal can still be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Who is gone.
    pub lost: Vec<String>,
    /// Whether a path still has enough.
    pub survived: bool,
}

/// Works the table out.
#[must_use]
pub fn drill(record: &SealRecord) -> Drill {
    let shares: Vec<(&PathRecord, BTreeMap<String, u8>)> =
        record.paths().iter().map(|path| (path, held(path))).collect();
    let mut coalitions: Vec<Coalition> = shares.iter().map(|(path, held)| coalition(path, held)).collect();
    coalitions.sort_by_key(|one| one.smallest.len());
    let holders: Vec<&String> =
        shares.iter().flat_map(|(_, held)| held.keys()).collect::<BTreeSet<_>>().into_iter().collect();
    let survives = |lost: &[&String]| {
        shares.iter().any(|(path, held)| {
            let left: u32 = held.iter().filter(|(name, _)| !lost.contains(name)).map(|(_, n)| u32::from(*n)).sum();
            left >= u32::from(path.k)
        })
    };
    let single_losses =
        holders.iter().map(|holder| Loss { lost: vec![(*holder).clone()], survived: survives(&[holder]) }).collect();
    let (fatal, survives_any) = smallest_fatal(&holders, survives);
    let alone: BTreeSet<String> = shares
        .iter()
        .flat_map(|(path, held)| held.iter().filter(|(_, n)| **n >= path.k))
        .map(|(name, _)| name.clone())
        .collect();
    Drill { coalitions, single_losses, fatal, survives_any, alone: alone.into_iter().collect() }
}

/// How many shares of a path each holder has.
fn held(path: &PathRecord) -> BTreeMap<String, u8> {
    let mut held = BTreeMap::new();
    for member in &path.members {
        *held.entry(holder(member)).or_insert(0) += 1;
    }
    held
}

fn holder(member: &MemberRecord) -> String {
    match &member.holder {
        Holder::Person { label } => format!("person {label}"),
        Holder::Wrapper { kind, share, .. } => format!("{kind} {}", share.key()),
    }
}

fn coalition(path: &PathRecord, held: &BTreeMap<String, u8>) -> Coalition {
    let mut most_first: Vec<(&String, u8)> = held.iter().map(|(name, n)| (name, *n)).collect();
    most_first.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let mut smallest = Vec::new();
    let mut have = 0;
    for (name, n) in most_first {
        if have >= path.k {
            break;
        }
        have = have.saturating_add(n);
        smallest.push(name.clone());
    }
    Coalition { path: path.name.clone(), k: path.k, of: held.keys().cloned().collect(), smallest }
}

/// The smallest sets without which nothing opens, and how many holders can be lost whichever they are.
fn smallest_fatal(holders: &[&String], survives: impl Fn(&[&String]) -> bool) -> (Vec<Loss>, usize) {
    let mut tries = 0;
    for size in 1..=holders.len() {
        let mut fatal = Vec::new();
        let complete = each_choice(holders, size, &mut Vec::with_capacity(size), &mut |lost| {
            tries += 1;
            if !survives(lost) && fatal.len() < LISTED {
                fatal.push(Loss { lost: lost.iter().map(|name| (*name).clone()).collect(), survived: false });
            }
            tries < TRIES
        });
        if !fatal.is_empty() || !complete {
            return (fatal, size - 1);
        }
    }
    (Vec::new(), holders.len())
}

/// Calls `visit` with every choice of `left` more holders, until it says stop. Tells whether all were visited.
fn each_choice<'a>(
    from: &[&'a String],
    left: usize,
    chosen: &mut Vec<&'a String>,
    visit: &mut dyn FnMut(&[&'a String]) -> bool,
) -> bool {
    if left == 0 {
        return visit(chosen);
    }
    for (at, holder) in from.iter().enumerate() {
        chosen.push(holder);
        let go_on = each_choice(from.get(at + 1..).unwrap_or_default(), left - 1, chosen, visit);
        chosen.pop();
        if !go_on {
            return false;
        }
    }
    true
}
