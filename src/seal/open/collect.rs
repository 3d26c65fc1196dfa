//! The shares that came in, by path.

use keyward_sdk::{
    secret::Secret,
    shamir::{self, Share},
};

use super::ask::Place;
use crate::seal::{MemberRecord, OpenError, PathKey, PathRecord, SealRecord, Unsealed, record::open_root};

/// A share that came in, and whether its hash is the one in the record.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) share: Share,
    pub(super) fits: bool,
}

/// Shares in memory, at most one a member. Wiped on drop.
#[derive(Debug, Default)]
pub(in crate::seal) struct Collected {
    paths: Vec<Vec<Received>>,
}

impl Collected {
    pub(in crate::seal) fn new(record: &SealRecord) -> Self {
        Self { paths: record.paths().iter().map(|_| Vec::new()).collect() }
    }

    /// Takes what a member gave, and says whether it is its share. A wrong one is kept for the search, should the record be
    /// what is wrong.
    pub(in crate::seal) fn take(&mut self, record: &SealRecord, place: Place<'_>, share: Secret) -> bool {
        let fits = fits(record, place.of, place.member, &share);
        let Ok(share) = Share::new(place.member.index, share) else { return false };
        self.put(place.path, Received { share, fits });
        fits
    }

    /// Keeps a share whose hash was found right.
    pub(in crate::seal) fn keep(&mut self, path: usize, share: Share) {
        self.put(path, Received { share, fits: true });
    }

    /// Takes all right shares that `other` has.
    pub(in crate::seal) fn absorb(&mut self, other: Self) {
        for (at, shares) in other.paths.into_iter().enumerate() {
            shares.into_iter().filter(|received| received.fits).for_each(|received| self.put(at, received));
        }
    }

    /// Whether the share of that member is here.
    pub(in crate::seal) fn has(&self, path: usize, index: u8) -> bool {
        self.of(path).iter().any(|received| received.fits && received.share.index() == index)
    }

    /// How many right shares of a path are here.
    pub(in crate::seal) fn count(&self, path: usize) -> usize {
        self.of(path).iter().filter(|received| received.fits).count()
    }

    fn put(&mut self, path: usize, received: Received) {
        if let Some(shares) = self.paths.get_mut(path) {
            shares.retain(|kept| kept.share.index() != received.share.index());
            shares.push(received);
        }
    }

    pub(super) fn of(&self, path: usize) -> &[Received] {
        self.paths.get(path).map_or(&[], Vec::as_slice)
    }

    /// Opens the root if a path has k right shares. None also if it does not open: then [`Self::search_all`] says why.
    pub(in crate::seal) fn try_path(&self, record: &SealRecord, at: usize) -> Option<Unsealed> {
        let path = record.paths().get(at)?;
        let good: Vec<&Share> = self.of(at).iter().filter(|received| received.fits).map(|kept| &kept.share).collect();
        if good.len() < usize::from(path.k) {
            return None;
        }
        unseal(record, path, &joined(path, good)?).ok()?.ok()
    }
}

/// Whether the record's hash says that this is the member's share.
pub(in crate::seal) fn fits(record: &SealRecord, path: &PathRecord, member: &MemberRecord, share: &Secret) -> bool {
    path.labels(record.installation(), member).fits(share, &member.check)
}

/// The path key that k shares give; some key also if one is wrong.
pub(super) fn joined<'a>(path: &PathRecord, shares: impl IntoIterator<Item = &'a Share>) -> Option<PathKey> {
    let secret = shamir::combine(shares, path.k).ok()?;
    PathKey::from_secret(&secret).ok()
}

/// Opens the root with a path key. The outer error: it is not the path's key. The inner: the root did not write the record.
pub(super) fn unseal(
    record: &SealRecord,
    path: &PathRecord,
    key: &PathKey,
) -> Result<Result<Unsealed, OpenError>, keyward_sdk::envelope::EnvelopeError> {
    let root = open_root(record.installation(), path, key, &record.root())?;
    Ok(Unsealed::prove(record, root, path.name.clone()))
}
