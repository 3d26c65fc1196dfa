//! Places that may go with the next batch: promises whose outcome is in the audit log by now.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use crate::keyring::DataPath;

/// The most that are remembered. What is forgotten is found again at the next start.
const MOST: usize = 4_096;

/// See the module.
#[derive(Default)]
pub struct Settled(Mutex<Vec<DataPath>>);

impl Settled {
    /// Remembers one.
    pub fn add(&self, place: DataPath) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() < MOST {
            places.push(place);
        }
    }

    /// Takes at most `count`.
    #[must_use]
    pub fn take(&self, count: usize) -> Vec<DataPath> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = places.len().saturating_sub(count);
        places.split_off(from)
    }
}

/// Outcomes that are true and that no sink took, by log and intent.
#[derive(Default)]
pub struct Owed(Mutex<VecDeque<(String, u64)>>);

impl Owed {
    /// Remembers one.
    pub fn add(&self, origin: &str, intent: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.push_back((origin.to_owned(), intent));
        }
    }

    /// The oldest.
    #[must_use]
    pub fn first(&self) -> Option<(String, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).front().cloned()
    }

    /// Forgets one.
    pub fn remove(&self, origin: &str, intent: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(log, sequence)| log != origin || *sequence != intent);
    }
}
