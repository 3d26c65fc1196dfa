//! Reading a log file frame by frame, with little memory.

use std::{io, sync::Arc};

use super::{
    Store,
    segment::{FRAME_BYTES, Header, MAX_FRAME_BYTES, Next, next},
};
use crate::audit::record::{MAX_RECORD_BYTES, sequence_of};

const READ_BYTES: usize = 256 << 10;

/// The frames of one file.
pub(crate) struct Frames {
    store: Arc<dyn Store>,
    /// Where in the file `buffer` begins.
    base: u64,
    buffer: Vec<u8>,
    /// Where in `buffer` the next frame begins.
    at: usize,
    ended: bool,
}

impl Frames {
    /// Begins after the header.
    pub(crate) fn from(store: &Arc<dyn Store>, offset: u64) -> Self {
        Self { store: Arc::clone(store), base: offset, buffer: Vec::new(), at: 0, ended: false }
    }

    /// Where the next frame begins.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// What stands at [`Self::offset`]. Call [`Self::skip`] to go on.
    pub(crate) fn peek(&mut self) -> io::Result<Next<'_>> {
        self.fill(4)?;
        let len = self.declared().filter(|len| *len <= MAX_RECORD_BYTES).unwrap_or(0);
        self.fill(FRAME_BYTES + len)?;
        Ok(next(self.rest()))
    }

    /// Goes past the frame at [`Self::offset`], as long as it says that it is.
    pub(crate) fn skip(&mut self) {
        let len = self.declared().unwrap_or(0);
        self.at = (self.at + FRAME_BYTES + len).min(self.buffer.len());
    }

    /// Whether nothing but zeros follows.
    pub(crate) fn only_zeros_follow(&mut self) -> io::Result<bool> {
        loop {
            if self.rest().iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            if self.ended {
                return Ok(true);
            }
            self.at = self.buffer.len();
            self.fill(1)?;
        }
    }

    /// Goes to the next place where a whole frame begins whose sequence is at least `from`. False if there is none; the
    /// place is then unspecified.
    pub(crate) fn find(&mut self, from: u64) -> io::Result<bool> {
        loop {
            self.fill(MAX_FRAME_BYTES)?;
            let rest = self.rest();
            // Up to here a whole frame is in the buffer, if one begins.
            let places = if self.ended { rest.len() } else { rest.len().saturating_sub(MAX_FRAME_BYTES) };
            let found = (0..places).find(|place| {
                let bytes = rest.get(*place..).unwrap_or_default();
                let likely = bytes.get(36..).and_then(sequence_of).is_some_and(|s| s >= from && s - from < 1 << 32);
                likely && matches!(next(bytes), Next::Frame(_))
            });
            match found {
                Some(place) => {
                    self.at += place;
                    return Ok(true);
                }
                None if self.ended => return Ok(false),
                None => self.at += places,
            }
        }
    }

    fn declared(&self) -> Option<usize> {
        self.rest().first_chunk::<4>().map(|len| u32::from_be_bytes(*len) as usize)
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// Reads on until `need` bytes are there, or the file ends.
    fn fill(&mut self, need: usize) -> io::Result<()> {
        if self.ended || self.rest().len() >= need {
            return Ok(());
        }
        self.base += self.at as u64;
        self.buffer.drain(..self.at);
        self.at = 0;
        let have = self.buffer.len();
        let want = need.max(READ_BYTES);
        self.buffer.resize(want.max(have), 0);
        let read = match self.buffer.get_mut(have..) {
            Some(space) => self.store.read_at(self.base + have as u64, space),
            None => Ok(0),
        };
        self.buffer.truncate(have + *read.as_ref().unwrap_or(&0));
        self.ended = self.buffer.len() < want;
        read.map(drop)
    }
}

/// The header of a file, and where its frames begin; none when it is not whole.
pub(crate) fn header(store: &dyn Store) -> io::Result<Option<(Header, u64)>> {
    let mut bytes = vec![0; 8192];
    let read = store.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(Header::parse(&bytes).map(|(header, len)| (header, len as u64)))
}
