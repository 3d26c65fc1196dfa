//! When checks and shares disagree: which k of the shares open the root, and who is odd.
//!
//! A record that the root wrote never needs this, since its hashes tell right from wrong. A record that someone changed does:
//! it is refused all the same, but whose share or check was changed is told.

use keyward_sdk::shamir::Share;

use super::collect::{Collected, Received, joined, unseal};
use crate::seal::{OpenError, PathKey, PathRecord, SealRecord, Unsealed};

/// How many choices are tried a path.
const TRIES: usize = 2_000;

impl Collected {
    /// Tries every path that has k shares, right or wrong.
    pub(in crate::seal) fn search_all(&self, record: &SealRecord) -> Result<Unsealed, OpenError> {
        let mut worst = None;
        for (at, path) in record.paths().iter().enumerate() {
            let received = self.of(at);
            if received.len() < usize::from(path.k) {
                continue;
            }
            let Some((key, chosen)) = search(record, path, received) else {
                // Wrong answers alone do not make the record wrong; k right hashes that open nothing do.
                if self.count(at) >= usize::from(path.k) {
                    worst = worst.or(Some(OpenError::NoChoice(path.name.clone())));
                }
                continue;
            };
            match unseal(record, path, &key) {
                Ok(Ok(unsealed)) => return Ok(unsealed),
                Ok(Err(_)) => worst = Some(OpenError::Changed { odd: odd(path, &key, &chosen, received) }),
                Err(_) => {}
            }
        }
        Err(worst.unwrap_or_else(|| OpenError::NotEnough(self.counts(record))))
    }

    fn counts(&self, record: &SealRecord) -> String {
        let each = record
            .paths()
            .iter()
            .enumerate()
            .map(|(at, path)| format!("`{}` has {} of the {} it takes", path.name, self.count(at), path.k));
        each.collect::<Vec<_>>().join(", ")
    }
}

/// The first choice of k shares whose key opens the root.
fn search<'a>(record: &SealRecord, path: &PathRecord, received: &'a [Received]) -> Option<(PathKey, Vec<&'a Share>)> {
    let k = usize::from(path.k);
    let mut choice: Vec<usize> = (0..k).collect();
    for _ in 0..TRIES {
        let chosen: Vec<&Share> = choice.iter().filter_map(|at| received.get(*at)).map(|one| &one.share).collect();
        if let Some(key) = joined(path, chosen.iter().copied())
            && unseal(record, path, &key).is_ok()
        {
            return Some((key, chosen));
        }
        if !next(&mut choice, received.len()) {
            return None;
        }
    }
    None
}

/// The next choice in order; false after the last.
fn next(choice: &mut [usize], n: usize) -> bool {
    let k = choice.len();
    for at in (0..k).rev() {
        let Some(slot) = choice.get_mut(at) else { return false };
        if *slot < n + at - k {
            *slot += 1;
            let mut value = *slot;
            for later in choice.iter_mut().skip(at + 1) {
                value += 1;
                *later = value;
            }
            return true;
        }
    }
    false
}

/// Members whose share does not go with the key that opened, and those whose hash in the record is not their share's.
fn odd(path: &PathRecord, key: &PathKey, chosen: &[&Share], received: &[Received]) -> Vec<String> {
    let goes_with = |share: &Share| {
        // Put in the place of one of the chosen, a share of the same split gives the same key.
        let rest =
            chosen.iter().copied().filter(|one| one.index() != share.index()).take(chosen.len().saturating_sub(1));
        joined(path, rest.chain([share])).is_some_and(|other| other.same_as(key))
    };
    let wrong = received.iter().filter(|one| !one.fits || !goes_with(&one.share));
    let names = wrong.filter_map(|one| path.members.iter().find(|member| member.index == one.share.index()));
    names.map(|member| format!("{}/{}", path.name, member.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_comes_once() {
        let mut choice = vec![0, 1];
        let mut seen = vec![choice.clone()];
        while next(&mut choice, 4) {
            seen.push(choice.clone());
        }
        assert_eq!(seen, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
    }
}
