//! The frames of one file.

use std::io;

use super::{
    FindingKind,
    walk::{File, Walk},
};
use crate::audit::{
    file::{scan::Frames, segment::Next},
    record::{Record, sequence_of},
};

/// What stands at a place, copied out so that the walk can go on with it.
enum Step {
    Frame { prev: [u8; 32], leaf: [u8; 32], sequence: Option<u64>, readable: Result<(), String> },
    Broken,
    End,
}

impl Walk<'_> {
    pub(super) fn frames(&mut self, name: &str, store: &File, frames: &mut Frames, last: bool) -> io::Result<()> {
        loop {
            let offset = frames.offset();
            let step = match frames.peek()? {
                Next::Frame(frame) => Step::Frame {
                    prev: frame.prev,
                    leaf: frame.leaf,
                    sequence: sequence_of(frame.body),
                    readable: Record::parse(frame.body).map(drop).map_err(|error| error.to_string()),
                },
                Next::End => Step::End,
                Next::Bad | Next::More(_) => Step::Broken,
            };
            match step {
                Step::Frame { prev, leaf, sequence, readable } => {
                    self.frame(name, offset, prev, leaf, sequence, readable);
                    frames.skip();
                }
                Step::End if Frames::from(store, offset).only_zeros_follow()? => return Ok(()),
                Step::End | Step::Broken => {
                    let mut later = Frames::from(store, offset);
                    let found = later.find(self.next)?;
                    // In a log that is being written, what was read ahead may have been half written then.
                    let mut again = Frames::from(store, offset);
                    if matches!(again.peek()?, Next::Frame(_)) {
                        *frames = again;
                        continue;
                    }
                    if !found {
                        self.torn(name, offset, last);
                        return Ok(());
                    }
                    let text = format!("bytes from here to byte {} are changed", later.offset());
                    self.report.find(FindingKind::ChangedBytes, name, Some(offset), Some(self.next), text);
                    self.resume(name, &mut later)?;
                    *frames = later;
                }
            }
        }
    }

    fn frame(
        &mut self,
        name: &str,
        offset: u64,
        prev: [u8; 32],
        leaf: [u8; 32],
        sequence: Option<u64>,
        readable: Result<(), String>,
    ) {
        let at = (Some(offset), Some(self.next));
        match sequence {
            Some(sequence) if sequence > self.next => {
                let text = format!("records {} to {} are missing before this place", self.next, sequence - 1);
                self.report.find(FindingKind::RemovedRecords, name, at.0, at.1, text);
                (self.whole, self.next) = (false, sequence);
            }
            Some(sequence) if sequence < self.next => {
                let text = format!("record {sequence} stands where record {} should be", self.next);
                self.report.find(FindingKind::OutOfPlace, name, at.0, at.1, text);
                self.whole = false;
                self.chain.prev = leaf;
                return;
            }
            _ if prev != self.chain.prev => {
                let text = "it does not continue the record before it: one of the two was replaced";
                self.report.find(FindingKind::Rewritten, name, at.0, at.1, text);
                self.whole = false;
            }
            _ => {}
        }
        if let Err(error) = readable {
            self.report.remarks.push(format!("{name}, byte {offset}: {error}"));
        }
        self.chain.prev = leaf;
        self.next += 1;
        if self.whole {
            self.chain.tree.push(leaf);
            self.compare(name, Some(offset));
        }
    }

    /// Goes on after changed bytes, with the frame at which whole ones begin again.
    fn resume(&mut self, name: &str, later: &mut Frames) -> io::Result<()> {
        let offset = later.offset();
        let whole = std::mem::replace(&mut self.whole, false);
        let Next::Frame(frame) = later.peek()? else { return Ok(()) };
        let sequence = sequence_of(frame.body).unwrap_or(self.next);
        if sequence == self.next.saturating_add(1) {
            // What follows one changed record says its hash. Taken over: if it lies, the next checkpoint does not fit.
            self.chain.tree.push(frame.prev);
            self.whole = whole;
        } else if sequence == self.next && frame.prev == self.chain.prev {
            // Something was put between two records.
            self.whole = whole;
        } else if sequence > self.next {
            let text = format!("records {} to {} cannot be read", self.next, sequence - 1);
            self.report.remarks.push(format!("{name}, byte {offset}: {text}"));
        }
        (self.chain.prev, self.next) = (frame.prev, sequence);
        self.compare(name, Some(offset));
        Ok(())
    }

    /// Something that is no whole record, and no whole one after it.
    fn torn(&mut self, name: &str, offset: u64, last: bool) {
        if last && self.newest {
            let text = "the last write was not finished, as by a crash, or is under way; a start cuts it";
            self.report.remarks.push(format!("{name}, byte {offset}: {text}"));
        } else {
            let text = "the file ends within a changed record";
            self.report.find(FindingKind::ChangedBytes, name, Some(offset), Some(self.next), text);
            self.whole = false;
        }
    }
}
