//! A bounded arena of locked memory for 32-byte keys: out of swap, out of core files, absent from a forked child (which therefore crashes rather than work with wrong keys).
//!
//! One of the few files with `unsafe`: it maps and locks pages once and gives them out as slots of 32 bytes. When the
//! arena is full, or the machine does not allow locking, slots come from the ordinary heap, and [`memory_lock`] says so.

use std::{
    mem::ManuallyDrop,
    ptr::null_mut,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous, munmap};
use zeroize::Zeroize;

/// Sizes to try, largest first: RLIMIT_MEMLOCK is 8 MiB on new systems and 64 KiB on old ones and in containers.
const SIZES: [usize; 3] = [256 << 10, 64 << 10, 16 << 10];

/// Whether keys are kept in locked memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemoryLock {
    /// The arena is locked.
    Locked {
        /// Its size in bytes.
        bytes: usize,
        /// How many keys lie outside it at this moment because it was full.
        overflow: usize,
    },
    /// The machine refused; keys lie in ordinary memory and may be swapped.
    Refused {
        /// What the kernel said.
        why: String,
    },
}

struct Arena {
    free: Mutex<Vec<&'static mut [u8; 32]>>,
    overflow: AtomicUsize,
    locked: Result<usize, rustix::io::Errno>,
}

/// The state of the arena; makes it on first use.
#[must_use]
pub fn memory_lock() -> MemoryLock {
    let arena = arena();
    match arena.locked {
        Ok(bytes) => MemoryLock::Locked { bytes, overflow: arena.overflow.load(Ordering::Relaxed) },
        Err(errno) => MemoryLock::Refused { why: errno.to_string() },
    }
}

fn arena() -> &'static Arena {
    static ARENA: OnceLock<Arena> = OnceLock::new();
    ARENA.get_or_init(|| {
        let mut refused = rustix::io::Errno::NOMEM;
        for size in SIZES {
            match map_locked(size) {
                Ok(pages) => {
                    let (slots, _) = pages.as_chunks_mut::<32>();
                    let free = Mutex::new(slots.iter_mut().collect());
                    return Arena { free, overflow: AtomicUsize::new(0), locked: Ok(size) };
                }
                Err(errno) => refused = errno,
            }
        }
        Arena { free: Mutex::new(Vec::new()), overflow: AtomicUsize::new(0), locked: Err(refused) }
    })
}

#[expect(unsafe_code, reason = "mapping and locking pages is a system call on raw addresses")]
fn map_locked(size: usize) -> Result<&'static mut [u8], rustix::io::Errno> {
    // SAFETY: a new private anonymous mapping touches no memory of anyone else. It is unmapped only here, before anyone
    // has seen it; afterwards it lives as long as the process, is zero-filled (so valid `u8`s), `size` bytes long, and
    // this is the only reference to it.
    unsafe {
        let start = mmap_anonymous(null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)?;
        if let Err(errno) = mlock(start, size) {
            let _ = munmap(start, size); // nothing to be done about a failure; the pages hold nothing
            return Err(errno);
        }
        // Both are refinements that old kernels lack; locking is what counts.
        let _ = madvise(start, size, Advice::LinuxDontDump);
        let _ = madvise(start, size, Advice::LinuxDontFork);
        Ok(std::slice::from_raw_parts_mut(start.cast::<u8>(), size))
    }
}

enum Place {
    Locked(&'static mut [u8; 32]),
    Heap(Box<[u8; 32]>),
}

/// Room for one key, all zero when taken and wiped when given back.
pub(crate) struct Slot(ManuallyDrop<Place>);

impl Slot {
    pub(crate) fn take() -> Self {
        let arena = arena();
        let free = arena.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self(ManuallyDrop::new(match free {
            Some(slot) => Place::Locked(slot),
            None => {
                arena.overflow.fetch_add(1, Ordering::Relaxed);
                Place::Heap(Box::new([0; 32]))
            }
        }))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        match &*self.0 {
            Place::Locked(slot) => slot,
            Place::Heap(slot) => slot,
        }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; 32] {
        match &mut *self.0 {
            Place::Locked(slot) => slot,
            Place::Heap(slot) => slot,
        }
    }
}

impl Drop for Slot {
    #[expect(unsafe_code, reason = "a slot goes back by value, and drop only has a reference")]
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        // SAFETY: taken once, here, and nothing uses the field after drop.
        match unsafe { ManuallyDrop::take(&mut self.0) } {
            Place::Locked(slot) => arena().free.lock().unwrap_or_else(PoisonError::into_inner).push(slot),
            Place::Heap(_) => {
                arena().overflow.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_zero_when_taken_again() {
        for _ in 0..3 {
            let mut slot = Slot::take();
            assert_eq!(slot.bytes(), &[0; 32]);
            slot.bytes_mut().fill(0xaa);
        }
    }

    #[test]
    fn more_keys_than_the_arena_holds_go_to_the_heap_and_are_counted() {
        let held: Vec<Slot> = (0..SIZES[0] / 32 + 10).map(|_| Slot::take()).collect();
        if let MemoryLock::Locked { overflow, .. } = memory_lock() {
            assert!(overflow >= 10, "{overflow}");
        }
        assert!(held.iter().all(|slot| slot.bytes() == &[0; 32]));
    }
}
