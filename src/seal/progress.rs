//! Opening by people: their shares are gathered in memory until a path has enough.

use std::time::Duration;

use keyward_sdk::{
    secret::SecretString,
    shamir::code,
    time::{Monotonic, SharedClock},
};

use super::{
    Holder, Name, NotOpened, OpenError, PathRecord, RootFingerprint, SealRecord, ShareError, Unsealed,
    open::{Collected, fits, pinned},
    record::{same_installation, split_tag},
};

/// After how long without a new share those given are forgotten.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How many epochs of a path are looked through to say of which a strange share is.
const EPOCHS_SEARCHED: u32 = 2_000;
/// How far ahead of this store a share may be and still be recognised.
const EPOCHS_AHEAD: u32 = 64;

/// The shares given so far. Nothing of them is ever written; they are wiped when the seal opens, after fifteen idle
/// minutes, and on drop.
#[derive(Debug)]
pub struct Progress {
    record: SealRecord,
    collected: Collected,
    touched: Monotonic,
    clock: Shared,
}

struct Shared(SharedClock);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// What a share brought.
#[derive(Debug)]
pub enum Step {
    /// It was given before; nothing changed.
    Again(PathProgress),
    /// It is kept.
    More(PathProgress),
    /// It was the last that was needed.
    Open(Unsealed),
}

/// How far a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathProgress {
    /// The path.
    pub path: Name,
    /// How many shares are here.
    pub have: u8,
    /// How many it takes.
    pub need: u8,
}

impl Progress {
    /// No shares yet.
    ///
    /// # Errors
    /// [`OpenError::Replaced`] when the settings pin another root.
    pub fn new(record: SealRecord, clock: SharedClock, pin: Option<RootFingerprint>) -> Result<Self, OpenError> {
        pinned(&record, pin)?;
        let collected = Collected::new(&record);
        Ok(Self { record, collected, touched: clock.monotonic(), clock: Shared(clock) })
    }

    /// Adds what the members that are keys gave, and gives the proof if a path has enough by that.
    pub fn add_members(&mut self, tried: NotOpened) -> Option<Unsealed> {
        self.expire();
        self.collected.absorb(tried.collected);
        let opened = (0..self.record.paths().len()).find_map(|at| self.collected.try_path(&self.record, at));
        if opened.is_some() {
            self.forget();
        }
        opened
    }

    /// Takes a person's share as it was typed.
    ///
    /// # Errors
    /// [`ShareError`]: a typo; a share of another installation, path or epoch; a wrong one. What was given before stays.
    pub fn submit(&mut self, text: &SecretString) -> Result<Step, ShareError> {
        self.expire();
        let (share, label) = code::decode(text.expose())?;
        let Some(at) = self.record.paths().iter().position(|path| self.tag(&path.name, path.epoch) == label.split)
        else {
            return Err(self.stranger(label.split));
        };
        let Some(path) = self.record.paths().get(at) else { return Err(ShareError::OtherPath) };
        let Some(member) = path.members.iter().find(|member| member.index == share.index()) else {
            return Err(ShareError::OtherPath);
        };
        if !matches!(member.holder, Holder::Person { .. }) {
            return Err(ShareError::NotAPerson { path: path.name.clone(), member: member.name.clone() });
        }
        if (label.k, label.n) != (path.k, path.n()) || !fits(&self.record, path, member, share.value()) {
            return Err(ShareError::Wrong { path: path.name.clone(), member: member.name.clone() });
        }
        self.touched = self.clock.0.monotonic();
        if self.collected.has(at, member.index) {
            return Ok(Step::Again(self.of(at, path)));
        }
        self.collected.keep(at, share);
        if self.collected.count(at) < usize::from(path.k) {
            return Ok(Step::More(self.of(at, path)));
        }
        let opened = match self.collected.try_path(&self.record, at) {
            Some(unsealed) => Ok(unsealed),
            None => self.collected.search_all(&self.record),
        };
        // Open, or not to be opened by these: either way they have served.
        self.forget();
        Ok(Step::Open(opened?))
    }

    /// Whether the shares are gathered for this record. Where another replica has changed the seal meanwhile they are not, and
    /// whoever holds them begins again.
    #[must_use]
    pub fn is_for(&self, record: &SealRecord) -> bool {
        self.record == *record
    }

    /// How far each path is.
    pub fn paths(&mut self) -> Vec<PathProgress> {
        self.expire();
        self.record.paths().iter().enumerate().map(|(at, path)| self.of(at, path)).collect()
    }

    /// Wipes all shares.
    pub fn forget(&mut self) {
        self.collected = Collected::new(&self.record);
    }

    /// Wipes the shares when the last came too long ago, and says whether it did.
    pub fn expire(&mut self) -> bool {
        let now = self.clock.0.monotonic();
        let idle = now.since(self.touched) >= IDLE;
        if idle {
            self.forget();
            self.touched = now;
        }
        idle
    }

    fn of(&self, at: usize, path: &PathRecord) -> PathProgress {
        let have = u8::try_from(self.collected.count(at)).unwrap_or(u8::MAX);
        PathProgress { path: path.name.clone(), have, need: path.k }
    }

    fn tag(&self, path: &Name, epoch: u32) -> u32 {
        split_tag(self.record.installation(), path, epoch)
    }

    /// Says of what a share is that is of no path here.
    fn stranger(&self, split: u32) -> ShareError {
        if !self.record.paths().first().is_some_and(|path| same_installation(self.tag(&path.name, path.epoch), split)) {
            return ShareError::OtherInstallation;
        }
        let last = self.record.epoch().saturating_add(EPOCHS_AHEAD);
        for path in self.record.paths() {
            let mut epochs = (1..=last).rev().take((EPOCHS_SEARCHED + EPOCHS_AHEAD) as usize);
            let Some(found) = epochs.find(|epoch| self.tag(&path.name, *epoch) == split) else { continue };
            let path_name = path.name.clone();
            return if found < path.epoch {
                ShareError::OldEpoch { path: path_name, found, current: path.epoch }
            } else {
                ShareError::LaterEpoch { path: path_name, found, current: self.record.epoch() }
            };
        }
        ShareError::OtherPath
    }
}
