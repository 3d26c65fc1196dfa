//! From passphrase to key: argon2id, its cost and salt as they stand at the head of a blob.
//!
//! ```text
//! version u8 = 1 | memory in KiB u32 | passes u32 | lanes u8 | salt 16
//! ```

use argon2::{Algorithm, Argon2, Block, Params, Version};
use keyward_sdk::secret::{Key32, SecretString};
use zeroize::Zeroizing;

/// What a derivation costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u8,
}

impl Cost {
    /// The second recommendation of RFC 9106: 64 MiB, three passes, four lanes.
    pub const DEFAULT: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 4 };
    /// No blob makes a derivation take more memory than this.
    pub const MAX_MEMORY_KIB: u32 = 256 << 10;
    const MAX_PASSES: u32 = 16;
    const MAX_LANES: u8 = 16;

    /// A cost, if it is within what is ever read back.
    #[must_use]
    pub fn new(memory_kib: u32, passes: u32, lanes: u8) -> Option<Self> {
        let within = memory_kib <= Self::MAX_MEMORY_KIB
            && (1..=Self::MAX_PASSES).contains(&passes)
            && (1..=Self::MAX_LANES).contains(&lanes)
            && memory_kib >= 8 * u32::from(lanes); // argon2's own lower bound
        within.then_some(Self { memory_kib, passes, lanes })
    }

    /// What it costs to unwrap a blob: as it stands at its head, and none for what is no blob or asks for too much.
    #[must_use]
    pub fn of(blob: &[u8]) -> Option<Self> {
        Recipe::parse(blob).ok().map(|(recipe, _)| recipe.cost)
    }

    /// The memory that a derivation takes.
    #[must_use]
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }
}

pub(super) struct Recipe {
    pub(super) cost: Cost,
    pub(super) salt: [u8; 16],
}

impl Recipe {
    const VERSION: u8 = 1;
    const LEN: usize = 1 + 4 + 4 + 1 + 16;

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::LEN);
        out.push(Self::VERSION);
        out.extend_from_slice(&self.cost.memory_kib.to_be_bytes());
        out.extend_from_slice(&self.cost.passes.to_be_bytes());
        out.push(self.cost.lanes);
        out.extend_from_slice(&self.salt);
        out
    }

    /// Splits a blob into its recipe and what is sealed with it.
    pub(super) fn parse(blob: &[u8]) -> Result<(Self, &[u8]), &'static str> {
        let (head, sealed) = blob.split_first_chunk::<{ Self::LEN }>().ok_or("it is too short")?;
        let [version, m0, m1, m2, m3, p0, p1, p2, p3, lanes, salt @ ..] = *head;
        if version != Self::VERSION {
            return Err("it is of a version that is not known here");
        }
        let (memory, passes) = (u32::from_be_bytes([m0, m1, m2, m3]), u32::from_be_bytes([p0, p1, p2, p3]));
        let cost = Cost::new(memory, passes, lanes).ok_or("it asks for more memory or time than is ever given")?;
        Ok((Self { cost, salt }, sealed))
    }

    /// Takes tens to hundreds of milliseconds: on a blocking thread.
    pub(super) fn derive(&self, text: &SecretString) -> Result<Key32, &'static str> {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let params = Params::new(memory_kib, passes, u32::from(lanes), Some(Key32::LEN));
        let params = params.map_err(|_| "argon2 does not take this cost")?;
        // Our own memory, so that it is wiped: its blocks are enough to test passphrases with.
        let mut memory = Zeroizing::new(vec![Block::default(); params.block_count()]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Key32::init(|key| {
            argon2
                .hash_password_into_with_memory(text.expose().as_bytes(), &self.salt, key, memory.as_mut_slice())
                .map_err(|_| "argon2 does not take this passphrase")
        })
    }
}
