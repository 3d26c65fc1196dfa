//! Which heads of the control state go into the next checkpoint: all that changed, and some of the others in turn. So a
//! checkpoint stays small however many tenants there are, and any row of checkpoints of some length holds all heads.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use keyward_kit::audit::{Head, MAX_HEADS};

/// How many of those that did not change are said again.
const AGAIN: usize = 32;

/// What the checkpoints since the key came have said.
#[derive(Default)]
pub(super) struct Said {
    /// Of each tenant, the counter that was said last.
    counters: BTreeMap<[u8; 16], u64>,
    /// The last tenant whose turn it was.
    turn: [u8; 16],
}

impl Said {
    /// The heads for the next checkpoint, of all there are.
    pub(super) fn next(&self, all: Vec<Head>) -> Vec<Head> {
        let (changed, same): (Vec<Head>, Vec<Head>) =
            all.into_iter().partition(|head| self.counters.get(&head.tenant) != Some(&head.counter));
        let mut same: BTreeMap<[u8; 16], Head> = same.into_iter().map(|head| (head.tenant, head)).collect();
        let after: Vec<[u8; 16]> = same.range((Excluded(self.turn), Unbounded)).map(|(tenant, _)| *tenant).collect();
        let before: Vec<[u8; 16]> = same.range(..=self.turn).map(|(tenant, _)| *tenant).collect();
        let turns = after.into_iter().chain(before).take(AGAIN);
        let again: Vec<Head> = turns.filter_map(|tenant| same.remove(&tenant)).collect();
        again.into_iter().chain(changed).take(MAX_HEADS).collect()
    }

    /// Notes what a checkpoint has said.
    pub(super) fn add(&mut self, heads: &[Head]) {
        for (n, head) in heads.iter().enumerate() {
            let before = self.counters.insert(head.tenant, head.counter);
            if n < AGAIN && before == Some(head.counter) {
                self.turn = head.tenant;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(n: u16, counter: u64) -> Head {
        let mut tenant = [0; 16];
        tenant[..2].copy_from_slice(&n.to_be_bytes());
        Head { tenant, counter, digest: [n as u8; 32] }
    }

    #[test]
    fn of_a_thousand_tenants_every_head_is_said_what_changes_at_once_and_the_rest_in_turn() {
        let mut all: Vec<Head> = (0..1_000).map(|n| head(n, 1)).collect();
        let mut said = Said::default();
        let mut say = |all: &[Head]| {
            let heads = said.next(all.to_vec());
            said.add(&heads);
            heads
        };
        let first = [say(&all), say(&all)];
        assert!(first.iter().all(|heads| heads.len() <= MAX_HEADS));
        let told: std::collections::BTreeSet<_> = first.iter().flatten().map(|head| head.tenant).collect();
        assert!(told.len() >= 1_000 - AGAIN, "two checkpoints hold nearly all");
        for _ in 0..2 {
            let row: std::collections::BTreeSet<_> = (0..34).flat_map(|_| say(&all)).map(|head| head.tenant).collect();
            assert_eq!(row.len(), 1_000, "and any row of them holds all");
        }
        all[777] = head(777, 2);
        assert!(say(&all).contains(&all[777]));
        assert_eq!(say(&all).len(), AGAIN);
    }

    #[test]
    fn few_tenants_are_in_every_checkpoint() {
        let all: Vec<Head> = (0..20).map(|n| head(n, 1)).collect();
        let mut said = Said::default();
        for _ in 0..5 {
            let mut heads = said.next(all.clone());
            said.add(&heads);
            heads.sort_by_key(|head| head.tenant);
            assert_eq!(heads, all);
        }
    }
}
