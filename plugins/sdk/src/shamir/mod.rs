//! Splitting a secret into n shares of which any k give it back (Shamir, over GF(256)), and shares as people write them.
//!
//! The arithmetic is vsss-rs's, which works without secret-dependent branches or table look-ups (blahaj, like sharks, looks
//! up logarithms by secret bytes). Shares carry no check of their own here: who combines them checks the result (the seal
//! record holds a hash of each share, [`code`] a checksum).

pub mod code;

use vsss_rs::Gf256;
use zeroize::Zeroizing;

use crate::{crypto::random::Generator, secret::Secret};

/// The longest secret that is split.
pub const MAX_SECRET: usize = 1024;

/// Why a secret was not split or combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShamirError {
    /// Two shares of one member.
    #[error("share {0} was given twice")]
    Duplicate(u8),
    /// A share with index 0, which would be the secret itself.
    #[error("a share has the index 0, which no share has")]
    Index,
    /// Fewer shares than the threshold.
    #[error("{got} shares were given, {need} are needed")]
    NotEnough {
        /// How many were given.
        got: usize,
        /// How many are needed.
        need: u8,
    },
    /// The secret is empty or too long, or the shares differ in length.
    #[error("secret is empty or too long, or the shares are of different lengths")]
    Size,
    /// k of n that cannot be: k below 1 or above n.
    #[error("any {k} of {n} shares is no threshold: at least 1, and at most as many as there are shares")]
    Threshold {
        /// Shares needed.
        k: u8,
        /// Shares made.
        n: u8,
    },
}

/// One share.
#[derive(Debug)]
pub struct Share {
    index: u8,
    value: Secret,
}

impl Share {
    /// A share from its parts.
    ///
    /// # Errors
    /// [`ShamirError::Index`] for index 0, [`ShamirError::Size`] for a value that is empty or too long.
    pub fn new(index: u8, value: Secret) -> Result<Self, ShamirError> {
        if index == 0 {
            return Err(ShamirError::Index);
        }
        if value.is_empty() || value.len() > MAX_SECRET {
            return Err(ShamirError::Size);
        }
        Ok(Self { index, value })
    }

    /// Which share this is, from 1.
    #[must_use]
    pub fn index(&self) -> u8 {
        self.index
    }

    /// The share's bytes, as many as the secret has.
    #[must_use]
    pub fn value(&self) -> &Secret {
        &self.value
    }
}

/// Splits `secret` into `n` shares, any `k` of which give it back. With `k` of 1 every share is the secret.
///
/// # Errors
/// [`ShamirError::Threshold`] and [`ShamirError::Size`].
pub fn split(secret: &Secret, k: u8, n: u8) -> Result<Vec<Share>, ShamirError> {
    if k == 0 || k > n {
        return Err(ShamirError::Threshold { k, n });
    }
    if secret.is_empty() || secret.len() > MAX_SECRET {
        return Err(ShamirError::Size);
    }
    if k == 1 {
        return (1..=n).map(|index| Share::new(index, copy(secret.expose())?)).collect();
    }
    let made = Gf256::split_bytes(usize::from(k), usize::from(n), secret.expose(), Generator);
    let made = Zeroizing::new(made.map_err(|_| ShamirError::Threshold { k, n })?);
    made.iter()
        .map(|bytes| {
            let (index, value) = bytes.split_first().ok_or(ShamirError::Size)?;
            Share::new(*index, copy(value)?)
        })
        .collect()
}

/// Combines the first `k` of `shares`. Gives some bytes also if a share is wrong: check them.
///
/// # Errors
/// [`ShamirError::NotEnough`], [`ShamirError::Duplicate`], [`ShamirError::Size`].
pub fn combine<'a>(shares: impl IntoIterator<Item = &'a Share>, k: u8) -> Result<Secret, ShamirError> {
    let shares: Vec<&Share> = shares.into_iter().take(usize::from(k)).collect();
    if k == 0 || shares.len() < usize::from(k) {
        return Err(ShamirError::NotEnough { got: shares.len(), need: k.max(1) });
    }
    for (at, share) in shares.iter().enumerate() {
        if shares.iter().skip(at + 1).any(|other| other.index == share.index) {
            return Err(ShamirError::Duplicate(share.index));
        }
        if shares.first().is_some_and(|first| first.value.len() != share.value.len()) {
            return Err(ShamirError::Size);
        }
    }
    if let [only] = shares.as_slice() {
        return copy(only.value.expose());
    }
    let bytes: Zeroizing<Vec<Vec<u8>>> = Zeroizing::new(
        shares
            .iter()
            .map(|share| {
                let mut bytes = Vec::with_capacity(share.value.len() + 1);
                bytes.push(share.index);
                bytes.extend_from_slice(share.value.expose());
                bytes
            })
            .collect(),
    );
    let secret = Gf256::combine_bytes(bytes.as_slice()).map_err(|_| ShamirError::Size)?;
    Secret::new(secret).map_err(|_| ShamirError::Size)
}

fn copy(bytes: &[u8]) -> Result<Secret, ShamirError> {
    Secret::copy_of(bytes).map_err(|_| ShamirError::Size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_k_shares_give_the_secret_back(
            bytes in prop::collection::vec(any::<u8>(), 1..80), n in 1u8..9, spare in 0u8..9, turn in 0usize..9,
        ) {
            let k = n.saturating_sub(spare).max(1);
            let secret = Secret::copy_of(&bytes).unwrap();
            let mut shares = split(&secret, k, n).unwrap();
            let turn = turn % shares.len();
            shares.rotate_left(turn);
            prop_assert!(combine(&shares, k).unwrap().same_as(&secret));
        }
    }

    #[test]
    fn fewer_than_k_shares_are_refused_and_tell_nothing_alone() {
        let secret = Secret::random(32);
        let shares = split(&secret, 3, 5).unwrap();
        assert_eq!(combine(&shares[..2], 3).unwrap_err(), ShamirError::NotEnough { got: 2, need: 3 });
        assert!(!combine(&shares[..2], 2).unwrap().same_as(&secret));
        assert!(shares.iter().all(|share| !share.value().same_as(&secret)));
    }

    #[test]
    fn the_same_share_twice_is_refused() {
        let mut shares = split(&Secret::random(32), 2, 3).unwrap();
        shares[1].index = shares[0].index;
        assert_eq!(combine(&shares, 2).unwrap_err(), ShamirError::Duplicate(1));
    }

    #[test]
    fn thresholds_that_cannot_be_are_refused() {
        for (k, n) in [(0, 3), (4, 3), (1, 0)] {
            assert_eq!(split(&Secret::random(8), k, n).unwrap_err(), ShamirError::Threshold { k, n });
        }
        assert_eq!(split(&Secret::random(0), 2, 3).unwrap_err(), ShamirError::Size);
        assert_eq!(split(&Secret::random(16), 255, 255).unwrap().len(), 255);
    }

    #[test]
    fn one_wrong_byte_gives_another_secret() {
        let secret = Secret::random(32);
        let mut shares = split(&secret, 2, 3).unwrap();
        let mut bytes = shares[1].value.expose().to_vec();
        bytes[7] ^= 1;
        shares[1].value = Secret::new(bytes).unwrap();
        assert!(!combine(&shares, 2).unwrap().same_as(&secret));
    }
}
