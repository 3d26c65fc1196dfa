//! Random bytes. The kernel is the only source; [`fill`] draws from it in small blocks per thread, since 32 bytes straight
//! from the kernel cost more than sealing them.
//!
//! The block is small on purpose: a virtual machine that is restored twice from one memory snapshot hands out the rest of
//! it twice. Long-lived keys are therefore never drawn from it: [`fill_fresh`] asks the kernel each time. A forked child
//! that does not exec would share the rest of the block too; nothing in Keyward forks without exec.

use std::{cell::RefCell, convert::Infallible};

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroize;

const BLOCK: usize = 512;

struct Block {
    bytes: [u8; BLOCK],
    /// Where the unused bytes begin; what lies before is zero.
    used: usize,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

thread_local! {
    static BUFFER: RefCell<Block> = const { RefCell::new(Block { bytes: [0; BLOCK], used: BLOCK }) };
}

/// Fills `out` with random bytes: salts, nonces, ids, tokens of one use.
pub fn fill(out: &mut [u8]) {
    if out.len() > BLOCK / 4 {
        return fill_fresh(out);
    }
    // The buffer is gone while a thread ends; then the kernel is asked.
    let drawn = BUFFER.try_with(|buffer| buffer.borrow_mut().draw(out));
    if drawn.is_err() {
        fill_fresh(out);
    }
}

/// Fills `out` straight from the kernel: keys, secrets, whatever lives long.
pub fn fill_fresh(out: &mut [u8]) {
    if SystemRandom::new().fill(out).is_err() {
        // Without randomness every key to come would be guessable, and no caller could do better than end.
        std::process::abort();
    }
}

/// `N` random bytes, for what is not secret by itself.
#[must_use]
pub fn array<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}

/// A random number below `bound` (0 if `bound` is 0), for jitter and choices; without bias.
#[must_use]
pub fn below(bound: u64) -> u64 {
    let Some(zone) = u64::MAX.checked_div(bound).map(|times| times * bound) else { return 0 };
    loop {
        let drawn = u64::from_le_bytes(array());
        if drawn < zone {
            return drawn % bound;
        }
    }
}

impl Block {
    fn draw(&mut self, out: &mut [u8]) {
        if self.used + out.len() > BLOCK {
            fill_fresh(&mut self.bytes);
            self.used = 0;
        }
        let end = self.used + out.len();
        if let Some(unused) = self.bytes.get_mut(self.used..end) {
            out.copy_from_slice(unused);
            unused.zeroize(); // what was handed out cannot be read back from here
        }
        self.used = end;
    }
}

/// The same source for libraries that take a generator (secret sharing).
pub(crate) struct Generator;

impl rand_core::TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(array()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        fill_fresh(out);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Generator {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_draw_comes_twice_across_blocks_and_threads() {
        let draw = || (0..200).map(|_| array::<32>()).collect::<Vec<_>>();
        let mut seen = HashSet::new();
        for drawn in std::thread::scope(|scope| [scope.spawn(draw), scope.spawn(draw)].map(|t| t.join().unwrap())) {
            for bytes in drawn {
                assert!(seen.insert(bytes));
            }
        }
    }

    #[test]
    fn every_length_is_filled() {
        for len in [1, 7, 128, 129, 512, 513, 4096] {
            let mut out = vec![0; len];
            fill(&mut out);
            assert!(len < 7 || out.iter().any(|byte| *byte != 0));
        }
        fill(&mut []);
    }

    #[test]
    fn what_was_handed_out_is_wiped_from_the_block() {
        let mut block = Block { bytes: [0; BLOCK], used: BLOCK };
        let mut out = [0; 100];
        block.draw(&mut out);
        assert_eq!((&block.bytes[..100], block.used), (&[0; 100][..], 100));
    }

    #[test]
    fn below_stays_below() {
        assert_eq!((below(0), below(1)), (0, 0));
        assert!((0..1000).all(|_| below(10) < 10));
        assert!((0..1000).any(|_| below(10) == 9));
    }
}
