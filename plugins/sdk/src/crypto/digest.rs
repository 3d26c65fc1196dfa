//! SHA-2.

use ring::digest;

/// The bytes of a SHA-256 digest.
pub type Sha256 = [u8; 32];

/// SHA-256 of `data`.
#[must_use]
pub fn sha256(data: &[u8]) -> Sha256 {
    sha256_parts(&[data])
}

/// SHA-256 of the parts one after another. Boundaries are not hashed: prefix lengths where they matter.
#[must_use]
pub fn sha256_parts(parts: &[&[u8]]) -> Sha256 {
    let mut hasher = Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

/// SHA-384 of `data`.
#[must_use]
pub fn sha384(data: &[u8]) -> [u8; 48] {
    copied(digest::digest(&digest::SHA384, data).as_ref())
}

/// SHA-512 of `data`.
#[must_use]
pub fn sha512(data: &[u8]) -> [u8; 64] {
    copied(digest::digest(&digest::SHA512, data).as_ref())
}

/// SHA-256 piece by piece.
#[derive(Clone)]
pub struct Hasher(digest::Context);

impl Hasher {
    /// Nothing hashed yet.
    #[must_use]
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Hashes on.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The digest of all that was given.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        copied(self.0.finish().as_ref())
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn copied<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    // The library's output has the length that the algorithm says; zip keeps this free of panics all the same.
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}
