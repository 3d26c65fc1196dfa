//! Making what was written outlast a loss of power, also after a sync that failed.
//!
//! The system tells of a failed write once: the next sync of the same file says nothing of what was lost then. So after a
//! failure no sync is believed before everything since the last good one was read back, compared and written again.

use std::io;

use super::{
    scan::Frames,
    segment::{Chain, Frame, Next},
    writer::Writer,
};

const COPY_BYTES: usize = 256 << 10;

/// How far the current file is known to be on the disk.
pub(super) struct Proven {
    /// Its bytes.
    pub(super) len: u64,
    /// The chain at that place.
    pub(super) chain: Chain,
}

impl Writer {
    /// Makes all that was written so far durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let synced = if self.spoiled { self.write_again() } else { self.segment.store.sync() };
        self.spoiled = synced.is_err();
        if synced.is_ok() {
            self.proven = Proven { len: self.segment.len, chain: self.chain.clone() };
        }
        synced
    }

    fn write_again(&mut self) -> io::Result<()> {
        let (store, end) = (&self.segment.store, self.segment.len);
        let mut chain = self.proven.chain.clone();
        let mut frames = Frames::from(store, self.proven.len);
        while frames.offset() < end {
            let Next::Frame(Frame { prev, leaf, .. }) = frames.peek()? else { break };
            if prev != chain.prev {
                break;
            }
            chain.follow(leaf);
            frames.skip();
        }
        if chain != self.chain || frames.offset() != end {
            return Err(io::Error::other("records that were written cannot be read back: the disk lost them"));
        }
        let mut buffer = vec![0; COPY_BYTES];
        let mut at = self.proven.len;
        while at < end {
            let want = usize::try_from(end - at).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            let chunk = buffer.get_mut(..want).unwrap_or_default();
            if store.read_at(at, chunk)? < want {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            store.write_at(at, chunk)?;
            at += want as u64;
        }
        store.sync()
    }
}
