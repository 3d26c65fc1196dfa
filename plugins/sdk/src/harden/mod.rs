//! Makes the process a poor place to read keys from: no core dumps, no tracing by others, and a small arena of locked
//! memory for keys. What stays beyond reach (transport buffers, ring's key state, the hypervisor) is listed in THREATS.md.

pub(crate) mod arena;

pub use arena::{MemoryLock, memory_lock};

use std::fmt;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// What [`harden`] could do, for `status` and the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardening {
    /// Other processes of the same user cannot trace this one or read its memory.
    pub undumpable: bool,
    /// No core file is ever written.
    pub no_core: bool,
    /// Whether the arena for keys is kept out of swap.
    pub memory: MemoryLock,
}

impl fmt::Display for Hardening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |done| if done { "yes" } else { "no" };
        write!(f, "no dumps: {}, no core files: {}, keys kept out of swap: ", yes(self.undumpable), yes(self.no_core))?;
        match &self.memory {
            MemoryLock::Locked { bytes, .. } => write!(f, "{bytes} bytes"),
            MemoryLock::Refused { why } => write!(f, "no ({why})"),
        }
    }
}

/// Hardens the process. Called once, first thing in main; it never fails, it reports.
#[must_use]
pub fn harden() -> Hardening {
    // The hard limit goes to zero too, so that nothing later in the process raises it again.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let no_core = setrlimit(Resource::Core, none).is_ok() || getrlimit(Resource::Core).current == Some(0);
    Hardening {
        undumpable: set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok(),
        no_core,
        memory: memory_lock(),
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    #[test]
    fn the_process_cannot_be_dumped_afterwards() {
        let done = harden();
        assert!(done.undumpable && done.no_core);
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }
}
