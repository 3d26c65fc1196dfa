//! Reading a log from its folder: to show it, to follow it, and to prove that a record is in it. Believes what it reads;
//! `verify` does not.

use std::{
    collections::BTreeSet,
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use keyward_sdk::time::Timestamp;

use super::{
    checkpoint::{Checkpoint, proof_text},
    file::{
        Store, checkpoints_name, open_to_read, parse_kept_name,
        scan::{self, Frames},
        segment::{Next, file_name, parse_name},
        split_checkpoints, verifier_name,
    },
    record::{Principal, Record, sequence_of},
    tree::{
        Growth, Hash, Tree,
        proof::{consistency_ranges, hash_ranges, inclusion_ranges},
    },
};

/// The most bytes of a file of checkpoints that are read.
const MAX_CHECKPOINT_BYTES: u64 = 64 << 20;

/// The epochs of which a folder has files, the oldest first.
///
/// # Errors
/// Of the file system.
pub fn epochs(dir: &Path) -> io::Result<Vec<u64>> {
    Ok(files(dir)?.into_iter().map(|(epoch, _)| epoch).collect::<BTreeSet<_>>().into_iter().collect())
}

/// The checkpoints that a log keeps beside itself: the line of each, and the signed note.
///
/// # Errors
/// Of the file system.
pub fn checkpoints(dir: &Path, epoch: u64) -> io::Result<Vec<(usize, String)>> {
    let path = dir.join(checkpoints_name(epoch));
    let bytes = match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
        Ok(found) if found.len() > MAX_CHECKPOINT_BYTES => return Err(io::ErrorKind::FileTooLarge.into()),
        Ok(_) => std::fs::read(&path)?,
    };
    let text = String::from_utf8_lossy(&bytes);
    Ok(split_checkpoints(&text).into_iter().map(|(line, note)| (line, note.to_owned())).collect())
}

/// The public key that a log keeps beside itself. Whoever can write there could replace it.
///
/// # Errors
/// Of the file system.
pub fn danger_own_verifier(dir: &Path, epoch: u64) -> io::Result<Option<String>> {
    match std::fs::read_to_string(dir.join(verifier_name(epoch))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// The epochs of which a folder has anything at all: files, checkpoints or a public key.
pub(super) fn traces(dir: &Path) -> io::Result<Vec<u64>> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(dir)? {
        let epoch = |name: &str| parse_name(name).map(|(epoch, _)| epoch).or_else(|| parse_kept_name(name));
        found.extend(entry?.file_name().to_str().and_then(epoch));
    }
    Ok(found.into_iter().collect())
}

/// The numbers of an epoch's files, in order.
pub(super) fn numbers(dir: &Path, epoch: u64) -> io::Result<Vec<u32>> {
    let mut numbers: Vec<u32> = files(dir)?.into_iter().filter(|(of, _)| *of == epoch).map(|(_, n)| n).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn files(dir: &Path) -> io::Result<Vec<(u64, u32)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        found.extend(entry?.file_name().to_str().and_then(parse_name));
    }
    Ok(found)
}

/// A record as it lies in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place in the log.
    pub sequence: u64,
    /// The hash of the record before it.
    pub prev: Hash,
    /// Its leaf in the tree.
    pub leaf: Hash,
    /// Its binary form; see [`Record::parse`].
    pub body: Vec<u8>,
}

/// The records of one epoch from some place on. At the end it gives none, and goes on when more are written.
pub struct Records {
    dir: PathBuf,
    epoch: u64,
    number: u32,
    open: Option<(Arc<dyn Store>, Frames)>,
    from: u64,
}

impl Records {
    /// The records from sequence `from` on.
    ///
    /// # Errors
    /// Of the file system.
    pub fn open(dir: &Path, epoch: u64, from: u64) -> io::Result<Self> {
        let mut start = None;
        for number in numbers(dir, epoch)? {
            let store = open_to_read(&dir.join(file_name(epoch, number)))?;
            let first = scan::header(store.as_ref())?.map(|(header, _)| header.chain.tree.size());
            if start.is_none() || first.is_some_and(|first| first <= from) {
                start = Some(number);
            }
        }
        Ok(Self { dir: dir.to_owned(), epoch, number: start.unwrap_or(0), open: None, from })
    }

    /// The next record, none at the end of what is written so far.
    ///
    /// # Errors
    /// Of the file system, and `InvalidData` where the log is damaged.
    #[expect(
        clippy::should_implement_trait,
        reason = "it may give more after none, and fails with an error of its own"
    )]
    pub fn next(&mut self) -> io::Result<Option<Found>> {
        loop {
            let next = self.dir.join(file_name(self.epoch, self.number.saturating_add(1)));
            let from = self.from;
            let Some((store, frames)) = self.current()? else { return Ok(None) };
            let offset = frames.offset();
            match frames.peek()? {
                Next::Frame(frame) => {
                    let sequence = sequence_of(frame.body).ok_or(io::ErrorKind::InvalidData)?;
                    let found = Found { sequence, prev: frame.prev, leaf: frame.leaf, body: frame.body.to_vec() };
                    frames.skip();
                    if sequence >= from {
                        return Ok(Some(found));
                    }
                }
                Next::Bad => {
                    // What was read ahead may have been half written then.
                    let mut again = Frames::from(store, offset);
                    if matches!(again.peek()?, Next::Bad) {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                    *frames = again;
                }
                Next::End | Next::More(_) => {
                    let mut again = Frames::from(store, offset);
                    // Looked at in this order: nothing is added to a file once the next one is there.
                    let (closed, more) = (next.exists(), matches!(again.peek()?, Next::Frame(_)));
                    if closed && !more {
                        (self.number, self.open) = (self.number.saturating_add(1), None);
                        continue;
                    }
                    *frames = again;
                    if !more {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn current(&mut self) -> io::Result<Option<&mut (Arc<dyn Store>, Frames)>> {
        if self.open.is_none() {
            let store = match open_to_read(&self.dir.join(file_name(self.epoch, self.number))) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                store => store?,
            };
            let Some((_, start)) = scan::header(store.as_ref())? else { return Ok(None) };
            let frames = Frames::from(&store, start);
            self.open = Some((store, frames));
        }
        Ok(self.open.as_mut())
    }
}

/// A place in an epoch's log before which no record was made at or after `since`, as the first records of its files say; not
/// always the last such place. The times in the headers are in no hash, so they are not asked.
///
/// # Errors
/// Of the file system.
pub fn place_of(dir: &Path, epoch: u64, since: Timestamp) -> io::Result<u64> {
    let mut place = 0;
    for number in numbers(dir, epoch)? {
        let store = open_to_read(&dir.join(file_name(epoch, number)))?;
        let Some((header, start)) = scan::header(store.as_ref())? else { break };
        let mut frames = Frames::from(&store, start);
        let first = match frames.peek()? {
            Next::Frame(frame) => Record::parse(frame.body).ok().map(|record| record.time),
            _ => None,
        };
        match first {
            Some(first) if first < since => place = header.chain.tree.size(),
            _ => break,
        }
    }
    Ok(place)
}

/// Which records are wanted. Every field that is set must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Made at or after this time.
    pub since: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
    /// Of this tenant.
    pub tenant: Option<[u8; 16]>,
    /// Of this RPC: its full name, or the part after the slash.
    pub method: Option<String>,
    /// Asked by this principal: its subject, or `issuer/subject`.
    pub principal: Option<String>,
    /// About the resource of this name.
    pub resource: Option<String>,
    /// Of the request with this id.
    pub request_id: Option<String>,
}

impl Filter {
    /// Whether the record is wanted.
    #[must_use]
    pub fn takes(&self, record: &Record<'_>) -> bool {
        let same = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        let verb = record.method.rsplit('/').next().unwrap_or_default();
        self.since.is_none_or(|since| record.time >= since)
            && self.until.is_none_or(|until| record.time < until)
            && self.tenant.is_none_or(|tenant| record.tenant == tenant)
            && (same(&self.method, record.method) || same(&self.method, verb))
            && self.principal.as_deref().is_none_or(|wanted| is(&record.principal, wanted))
            && same(&self.resource, record.resource)
            && same(&self.request_id, record.request_id)
    }
}

/// Whether `wanted` is the subject, or issuer and subject.
fn is(principal: &Principal<'_>, wanted: &str) -> bool {
    let with_issuer = wanted.strip_suffix(principal.subject).and_then(|rest| rest.strip_suffix('/'));
    wanted == principal.subject || with_issuer == Some(principal.issuer_name)
}

/// A proof that record `sequence` is in the log of a checkpoint; none if the checkpoint is older than the record or the
/// files end before it. Reads the whole log.
///
/// # Errors
/// Of the file system, and `InvalidData` where the log is damaged or the note is no checkpoint.
pub fn inclusion_proof(dir: &Path, epoch: u64, sequence: u64, note: &str) -> io::Result<Option<String>> {
    let checkpoint =
        Checkpoint::danger_unverified(note).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    if sequence >= checkpoint.size {
        return Ok(None);
    }
    let hashes = hashes(dir, epoch, &inclusion_ranges(sequence, checkpoint.size), checkpoint.size)?;
    Ok(hashes.map(|hashes| proof_text(sequence, &hashes, note)))
}

/// A proof that the log of `new` records begins with the log of `old`, for whoever kept a checkpoint of `old`; none if the
/// files end before `new`. Check it with [`super::tree::proof::consistent`]. Reads the whole log.
///
/// # Errors
/// Of the file system, and `InvalidData` where the log is damaged.
pub fn consistency_proof(dir: &Path, epoch: u64, old: u64, new: u64) -> io::Result<Option<Vec<Hash>>> {
    hashes(dir, epoch, &consistency_ranges(old, new), new)
}

/// What the log grew by from one size to another, for whoever knows its tree of the first ([`Tree::grown`]); none if the
/// files end before. Reads the records in between; from 0, only those after the newest header before `to`.
///
/// # Errors
/// Of the file system, and `InvalidData` where the log is damaged.
pub fn growth(dir: &Path, epoch: u64, from: u64, to: u64) -> io::Result<Option<Vec<Hash>>> {
    if from == 0 {
        let mut tree = begun(dir, epoch, to)?;
        let reached = leaves(dir, epoch, tree.size()..to, |leaf| tree.push(leaf))?;
        return Ok(reached.then(|| tree.edge().to_vec()));
    }
    let mut growth = Growth::new(from);
    let reached = leaves(dir, epoch, from..to, |leaf| growth.push(leaf))?;
    Ok(reached.then(|| growth.hashes().to_vec()))
}

/// The largest tree of at most `most` leaves that a header tells.
fn begun(dir: &Path, epoch: u64, most: u64) -> io::Result<Tree> {
    let mut tree = Tree::new();
    for number in numbers(dir, epoch)? {
        let store = open_to_read(&dir.join(file_name(epoch, number)))?;
        match scan::header(store.as_ref())? {
            Some((header, _)) if header.chain.tree.size() <= most => tree = header.chain.tree,
            _ => break,
        }
    }
    Ok(tree)
}

/// Gives these leaves one after another, and whether there were all of them.
fn leaves(dir: &Path, epoch: u64, range: Range<u64>, mut take: impl FnMut(Hash)) -> io::Result<bool> {
    let mut records = Records::open(dir, epoch, range.start)?;
    for wanted in range {
        match records.next()? {
            Some(found) if found.sequence == wanted => take(found.leaf),
            Some(_) => return Err(io::ErrorKind::InvalidData.into()),
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// The hashes of ranges of leaves among the first `size`; none if there are fewer.
fn hashes(dir: &Path, epoch: u64, ranges: &[Range<u64>], size: u64) -> io::Result<Option<Vec<Hash>>> {
    let mut records = Records::open(dir, epoch, 0)?;
    let mut failed = None;
    let mut left = size;
    let leaves = std::iter::from_fn(|| {
        left = left.checked_sub(1)?;
        records.next().unwrap_or_else(|error| {
            failed = Some(error);
            None
        })
    });
    let hashes = hash_ranges(ranges, leaves.map(|found| found.leaf));
    match failed {
        Some(error) => Err(error),
        None => Ok((hashes.len() == ranges.len()).then_some(hashes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_what_fits_in_every_field() {
        let record = Record {
            method: "keyward.v1.SecretService/GetSecret",
            resource: "a/b",
            tenant: [1; 16],
            ..Record::default()
        };
        let by = |method: &str| Filter { method: Some(method.to_owned()), ..Filter::default() };
        assert!(Filter::default().takes(&record));
        assert!(by("GetSecret").takes(&record) && by("keyward.v1.SecretService/GetSecret").takes(&record));
        assert!(!by("Secret").takes(&record));
        assert!(Filter { tenant: Some([1; 16]), ..by("GetSecret") }.takes(&record));
        assert!(!Filter { tenant: Some([2; 16]), ..by("GetSecret") }.takes(&record));
        let asked = Principal { issuer_kind: "oidc", issuer_name: "gitlab", subject: "group/p" };
        let record = Record { principal: asked, ..record };
        let by = |principal: &str| Filter { principal: Some(principal.to_owned()), ..Filter::default() };
        assert!(by("group/p").takes(&record) && by("gitlab/group/p").takes(&record));
        assert!(!by("p").takes(&record) && !by("other/group/p").takes(&record) && !by("").takes(&record));
        assert!(!Filter { until: Some(Timestamp::from_millis(0)), ..Filter::default() }.takes(&record));
    }
}
