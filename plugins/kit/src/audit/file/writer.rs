//! Writing frames into files: the one place that does it, always by one thread at a time.

use std::{
    io::{self, ErrorKind},
    sync::Arc,
};

use keyward_sdk::time::SharedClock;
use tracing::warn;

use super::{
    AppendError, Durability, LogHead, Medium, OpenError, Options, Priority, Recovered, Status, Store,
    checkpoints::Checkpoints,
    durable::Proven,
    queue::{Command, Done, Pending, Told},
    recover,
    segment::{Chain, Header, file_name},
};
use crate::audit::record::set_sequence;

pub(super) const RESERVE: &str = "audit.reserve";
/// How much space a file takes ahead.
const AHEAD_BYTES: u64 = 1 << 20;

/// The file that is written to.
pub(super) struct Segment {
    pub(super) store: Arc<dyn Store>,
    pub(super) number: u32,
    /// Where the next frame goes.
    pub(super) len: u64,
    /// How far space was taken.
    pub(super) allocated: u64,
    /// The most bytes it may have.
    pub(super) limit: u64,
    /// Whether a write failed that may have left something behind `len`.
    pub(super) torn: bool,
}

pub(super) struct Writer {
    pub(super) medium: Arc<dyn Medium>,
    pub(super) clock: SharedClock,
    pub(super) origin: String,
    pub(super) epoch: u64,
    pub(super) segment_bytes: u64,
    pub(super) reserve_bytes: u64,
    pub(super) chain: Chain,
    pub(super) segment: Segment,
    pub(super) checkpoints: Checkpoints,
    pub(super) buffer: Vec<u8>,
    /// Records of the log itself that go before the next that can be written.
    pub(super) owed: Vec<Vec<u8>>,
    pub(super) reserve: bool,
    pub(super) in_reserve: bool,
    pub(super) full: bool,
    /// How far the current file is on the disk for sure.
    pub(super) proven: Proven,
    /// After a failed sync nobody knows what the file holds on the disk: no more goes into it.
    pub(super) spoiled: bool,
    /// A file was left whose end may not be on the disk: nothing that covers it is signed any more.
    pub(super) gap: bool,
    /// Nothing is written any more: the folder may be another's by now.
    pub(super) closed: bool,
    pub(super) told: Arc<Told>,
}

impl Writer {
    pub(super) fn recover(medium: Arc<dyn Medium>, options: &Options) -> Result<(Self, Recovered), OpenError> {
        recover::open(medium, options)
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn size(&self) -> u64 {
        self.chain.tree.size()
    }

    pub(super) fn number(&self) -> u32 {
        self.segment.number
    }

    pub(super) fn told(&self) -> Arc<Told> {
        Arc::clone(&self.told)
    }

    pub(super) fn tell(&self) {
        self.told.tell(Status { size: self.size(), full: self.full, in_reserve: self.in_reserve });
    }

    /// Does what has gathered, in order; all records side by side go into one write.
    pub(super) fn handle(&mut self, batch: Vec<Command>) {
        let mut records = Vec::with_capacity(batch.len());
        for command in batch {
            if self.closed {
                return; // who waits sees that nobody will answer
            }
            match command {
                Command::Append(pending) => {
                    records.push(pending);
                    continue;
                }
                Command::Close(done) => {
                    self.append(std::mem::take(&mut records));
                    self.finish();
                    answer(done, Ok(()));
                }
                Command::Head(done) => {
                    self.append(std::mem::take(&mut records));
                    let head = self.head();
                    answer(done, head);
                }
                Command::Note(note, done) => {
                    let kept = self.checkpoints.add(self.medium.as_ref(), &note);
                    answer(done, kept.map_err(|error| failure(&error)));
                }
                Command::Verifier(text, done) => {
                    let kept = self.checkpoints.keep_verifier(self.medium.as_ref(), &text);
                    answer(done, kept.map_err(|error| failure(&error)));
                }
            }
        }
        if !self.closed {
            self.append(records);
        }
    }

    fn append(&mut self, mut records: Vec<Pending>) {
        // Who stopped waiting was told that nothing was recorded.
        records.retain(|pending| !pending.done.is_closed());
        if records.is_empty() {
            return;
        }
        match self.put(&mut records, false) {
            Ok(first) => self.settle(first, records),
            Err(error) => {
                let why = failure(&error);
                self.full = why == AppendError::Full;
                self.tell();
                let (mut urgent, normal): (Vec<_>, Vec<_>) =
                    records.into_iter().partition(|pending| pending.priority == Priority::Urgent);
                normal.into_iter().for_each(|pending| answer(pending.done, Err(why.clone())));
                if urgent.is_empty() {
                    return;
                }
                match self.put(&mut urgent, true) {
                    Ok(first) => self.settle(first, urgent),
                    Err(error) => urgent.into_iter().for_each(|pending| answer(pending.done, Err(failure(&error)))),
                }
            }
        }
    }

    /// Answers those who wait for what is now written, after a sync where they asked for one.
    fn settle(&mut self, first: u64, records: Vec<Pending>) {
        let mut durable = Vec::new();
        for (sequence, pending) in (first..).zip(records) {
            match pending.durability {
                Durability::Os => answer(pending.done, Ok(sequence)),
                Durability::Fsync => durable.push((sequence, pending.done)),
            }
        }
        if durable.is_empty() {
            return;
        }
        let synced = self.sync().map_err(|error| AppendError::Unsynced(error.to_string()));
        for (sequence, done) in durable {
            answer(done, synced.clone().map(|()| sequence));
        }
    }

    /// Writes all of `records` or none, and gives the sequence of the first.
    fn put(&mut self, records: &mut [Pending], urgent: bool) -> io::Result<u64> {
        let bytes: usize = records.iter().map(|p| p.body.len()).chain(self.owed.iter().map(Vec::len)).sum();
        let frames = records.len() + self.owed.len();
        self.make_room((bytes + frames * super::segment::FRAME_BYTES) as u64, urgent)?;
        let mut chain = self.chain.clone();
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        for body in &mut self.owed {
            set_sequence(body, chain.tree.size());
            chain.push(body, &mut buffer);
        }
        let first = chain.tree.size();
        for pending in records {
            set_sequence(&mut pending.body, chain.tree.size());
            chain.push(&pending.body, &mut buffer);
        }
        let written = self.write(&buffer);
        buffer.shrink_to(64 << 10);
        self.buffer = buffer;
        written?;
        self.chain = chain;
        self.owed.clear();
        self.full = self.in_reserve;
        self.tell();
        Ok(first)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let segment = &mut self.segment;
        let end = segment.len + bytes.len() as u64;
        if segment.torn {
            segment.store.truncate(segment.len)?;
            (segment.torn, segment.allocated) = (false, segment.len);
        }
        if end > segment.allocated {
            let ahead = (end + AHEAD_BYTES).min(segment.limit.max(end));
            // Not every file system can, and a disk that is nearly full may still have room for this write.
            if segment.store.allocate(ahead).is_ok() {
                segment.allocated = ahead;
            }
        }
        if let Err(error) = segment.store.write_at(segment.len, bytes) {
            segment.torn = segment.store.truncate(segment.len).is_err();
            segment.allocated = segment.len;
            return Err(error);
        }
        segment.len = end;
        Ok(())
    }

    /// Sees to it that the current file may take so many bytes.
    fn make_room(&mut self, bytes: u64, urgent: bool) -> io::Result<()> {
        let fits = self.segment.len + bytes <= self.segment.limit;
        match (self.in_reserve, urgent) {
            (true, true) if fits => Ok(()),
            (true, _) => self.leave_reserve(),
            (false, true) => self.enter_reserve(),
            (false, false) if fits && !self.spoiled => Ok(()),
            (false, false) => self.rotate(),
        }
    }

    fn header(&self) -> Header {
        let number = self.segment.number.saturating_add(1);
        Header { origin: self.origin.clone(), number, time: self.clock.now(), chain: self.chain.clone() }
    }

    /// Begins the next file. The current one stays in use when that fails.
    fn rotate(&mut self) -> io::Result<()> {
        // First, because the next start trusts the header of the newest file for all that lies before it.
        self.sync()?;
        let next = begin(self.medium.as_ref(), self.epoch, &self.header(), self.segment_bytes)?;
        self.follow(next);
        Ok(())
    }

    fn follow(&mut self, next: Segment) {
        self.proven = Proven { len: next.len, chain: self.chain.clone() };
        let last = std::mem::replace(&mut self.segment, next);
        self.spoiled = false;
        if let Err(error) = last.store.truncate(last.len).and_then(|()| last.store.sync()) {
            warn!(audit.file = %file_name(self.epoch, last.number), %error, "Audit file could not be closed cleanly");
        }
    }

    fn enter_reserve(&mut self) -> io::Result<()> {
        if !self.reserve {
            return Err(ErrorKind::StorageFull.into());
        }
        let header = self.header();
        let name = file_name(self.epoch, header.number);
        self.medium.rename(RESERVE, &name)?;
        self.reserve = false;
        self.gap |= self.sync().is_err();
        let store = self.medium.open(&name)?;
        let bytes = header.encode();
        store.write_at(0, &bytes)?;
        let (len, size) = (bytes.len() as u64, self.reserve_bytes);
        self.follow(Segment { store, number: header.number, len, allocated: size, limit: size, torn: false });
        self.in_reserve = true;
        warn!(audit.file = %name, "Audit log has no space left and goes on in its reserve");
        Ok(())
    }

    /// Goes on in a new file, if there is space for it and for a new reserve.
    fn leave_reserve(&mut self) -> io::Result<()> {
        self.sync()?;
        let header = self.header();
        let next = begin(self.medium.as_ref(), self.epoch, &header, self.segment_bytes)?;
        let enough = next.store.allocate(AHEAD_BYTES.min(self.segment_bytes)).and_then(|()| self.make_reserve());
        if let Err(error) = enough {
            drop(next);
            self.medium.remove(&file_name(self.epoch, header.number))?;
            return Err(error);
        }
        self.follow(next);
        self.in_reserve = false;
        Ok(())
    }

    /// Makes the reserve, unless it is there.
    pub(super) fn make_reserve(&mut self) -> io::Result<()> {
        if self.reserve {
            return Ok(());
        }
        let made = fill_reserve(self.medium.as_ref(), self.reserve_bytes);
        if made.is_err() {
            let _ = self.medium.remove(RESERVE); // half a reserve would only take space from others
        }
        self.reserve = made.is_ok();
        made
    }

    fn head(&mut self) -> Result<LogHead, AppendError> {
        self.sync().map_err(|error| AppendError::Unsynced(error.to_string()))?;
        if self.gap {
            return Err(AppendError::Unsynced("an earlier file may have lost its end on the disk".to_owned()));
        }
        if !self.reserve && !self.in_reserve {
            let _ = self.make_reserve(); // tried again with the next checkpoint
        }
        Ok(LogHead { size: self.size(), root: self.chain.tree.root() })
    }

    /// Gives back the space that was taken ahead, and the folder.
    pub(super) fn finish(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let segment = &mut self.segment;
        if let Err(error) = segment.store.truncate(segment.len).and_then(|()| segment.store.sync()) {
            warn!(audit.file = %file_name(self.epoch, segment.number), %error, "Audit file could not be closed cleanly");
        }
        segment.allocated = segment.len;
        self.medium.release();
    }
}

/// Begins a file: it is there with a durable header, or not at all.
pub(super) fn begin(medium: &dyn Medium, epoch: u64, header: &Header, limit: u64) -> io::Result<Segment> {
    let name = file_name(epoch, header.number);
    let store = medium.create(&name)?;
    let bytes = header.encode();
    if let Err(error) = store.write_at(0, &bytes).and_then(|()| store.sync()) {
        medium.remove(&name)?;
        return Err(error);
    }
    let len = bytes.len() as u64;
    Ok(Segment { store, number: header.number, len, allocated: len, limit, torn: false })
}

fn fill_reserve(medium: &dyn Medium, bytes: u64) -> io::Result<()> {
    if medium.list()?.iter().any(|name| name == RESERVE) {
        if medium.open(RESERVE)?.size()? == bytes {
            return Ok(());
        }
        medium.remove(RESERVE)?;
    }
    let store = medium.create(RESERVE)?;
    // Written, not only allocated: the first write into allocated space may itself need space on some file systems.
    let zeros = vec![0; 64 << 10];
    let mut at = 0;
    while at < bytes {
        let len = usize::try_from(bytes - at).unwrap_or(usize::MAX).min(zeros.len());
        store.write_at(at, zeros.get(..len).unwrap_or_default())?;
        at += len as u64;
    }
    store.sync()
}

fn failure(error: &io::Error) -> AppendError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => AppendError::Full,
        _ => AppendError::Failed(error.to_string()),
    }
}

fn answer<T>(done: Done<T>, with: Result<T, AppendError>) {
    // Who no longer waits has answered its caller already.
    let _ = done.send(with);
}
