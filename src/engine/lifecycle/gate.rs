//! The door of the whole broker: open or shut, changed in one step.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::engine::{EngineError, World};

/// See the module.
pub(super) struct Gate {
    world: ArcSwapOption<World>,
    state: Mutex<State>,
    turn: Semaphore,
}

#[derive(Default)]
struct State {
    /// How often it was shut.
    shut: u64,
    /// Ends what runs while it is open.
    open: Option<CancellationToken>,
}

/// One opening under way.
pub(super) struct Turn<'a> {
    shut: u64,
    _alone: SemaphorePermit<'a>,
}

impl Turn<'_> {
    /// How often the gate had been shut when the turn began.
    pub(super) fn shut(&self) -> u64 {
        self.shut
    }
}

impl Gate {
    pub(super) fn new() -> Self {
        Self { world: ArcSwapOption::empty(), state: Mutex::default(), turn: Semaphore::new(1) }
    }

    pub(super) fn world(&self) -> Option<Arc<World>> {
        self.world.load_full()
    }

    /// How often it was shut.
    pub(super) fn times_shut(&self) -> u64 {
        self.state().shut
    }

    pub(super) fn is_open(&self) -> bool {
        self.world.load().is_some()
    }

    /// Begins an opening, one after the other.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, EngineError> {
        let alone = self.turn.acquire().await.map_err(|_| EngineError::Sealed)?;
        Ok(Turn { shut: self.state().shut, _alone: alone })
    }

    /// Opens, unless it was shut since the turn began: a seal asked for in the middle of an opening holds.
    pub(super) fn open(&self, turn: &Turn<'_>, world: World, until: CancellationToken) -> Result<(), EngineError> {
        let mut state = self.state();
        if state.shut != turn.shut {
            return Err(EngineError::Sealed);
        }
        if let Some(before) = state.open.replace(until) {
            before.cancel();
        }
        self.world.store(Some(Arc::new(world)));
        Ok(())
    }

    /// Shuts: the world goes, and with its last request in flight the keys.
    pub(super) fn shut(&self) {
        let mut state = self.state();
        state.shut += 1;
        self.world.store(None);
        if let Some(open) = state.open.take() {
            open.cancel();
        }
    }

    /// Ends what runs while it is open; the world stays for what is still in flight.
    pub(super) fn end_tasks(&self) {
        if let Some(open) = self.state().open.take() {
            open.cancel();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
