//! The checkpoints that the log itself keeps: one text file beside the log, notes one after another.
//!
//! They are for whoever verifies the log and for the next start; what holds against someone who can write here is the
//! copy in the register and with others. A file that grows too long is thinned: of its older half every second one stays.

use std::{io, sync::Arc};

use super::{Medium, Store};
use crate::audit::note::MAX_NOTE_BYTES;

const MAX_BYTES: u64 = 4 << 20;

pub(super) struct Checkpoints {
    epoch: u64,
    name: String,
    store: Option<(Arc<dyn Store>, u64)>,
    max_bytes: u64,
}

impl Checkpoints {
    pub(super) fn of(epoch: u64) -> Self {
        Self { epoch, name: file_name(epoch), store: None, max_bytes: MAX_BYTES }
    }

    pub(super) fn add(&mut self, medium: &dyn Medium, note: &str) -> io::Result<()> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (store, len) = self.open(medium)?;
        let text = format!("{note}\n");
        if let Err(error) = store.write_at(len, text.as_bytes()) {
            let _ = store.truncate(len);
            return Err(error);
        }
        let len = len + text.len() as u64;
        self.store = Some((store, len));
        if len > self.max_bytes { self.thin(medium) } else { Ok(()) }
    }

    pub(super) fn read(&mut self, medium: &dyn Medium) -> io::Result<String> {
        if !medium.list()?.contains(&self.name) {
            return Ok(String::new());
        }
        let (store, len) = self.open(medium)?;
        let mut bytes = vec![0; usize::try_from(len.min(4 * MAX_BYTES)).unwrap_or(0)];
        let read = store.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn keep_verifier(&self, medium: &dyn Medium, text: &str) -> io::Result<()> {
        write_new(medium, &verifier_name(self.epoch), format!("{}\n", text.trim_end()).as_bytes()).map(drop)
    }

    fn open(&mut self, medium: &dyn Medium) -> io::Result<(Arc<dyn Store>, u64)> {
        if let Some(store) = &self.store {
            return Ok(store.clone());
        }
        let there = medium.list()?.contains(&self.name);
        let store = if there { medium.open(&self.name)? } else { medium.create(&self.name)? };
        let opened = (Arc::clone(&store), store.size()?);
        self.store = Some(opened.clone());
        Ok(opened)
    }

    fn thin(&mut self, medium: &dyn Medium) -> io::Result<()> {
        let text = self.read(medium)?;
        let notes = split(&text);
        let half = notes.len() / 2;
        let kept: String = notes
            .iter()
            .enumerate()
            .filter(|(n, _)| *n >= half || n % 2 == 0)
            .map(|(_, (_, note))| format!("{note}\n"))
            .collect();
        let store = write_new(medium, &self.name, kept.as_bytes())?;
        self.store = Some((store, kept.len() as u64));
        Ok(())
    }
}

/// Writes a whole file in place of what has the name: the old one or the new one is there, never a part.
fn write_new(medium: &dyn Medium, name: &str, bytes: &[u8]) -> io::Result<Arc<dyn Store>> {
    let temporary = format!("{name}.new");
    if medium.list()?.contains(&temporary) {
        medium.remove(&temporary)?;
    }
    let store = medium.create(&temporary)?;
    store.write_at(0, bytes)?;
    store.sync()?;
    medium.rename(&temporary, name)?;
    Ok(store)
}

/// The notes in such a file, each with the line that it begins at, from 1. A torn last one is left out.
pub(crate) fn split(text: &str) -> Vec<(usize, &str)> {
    let mut notes = Vec::new();
    let (mut start, mut at, mut start_line, mut signed) = (0, 0, 1, false);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        at += line.len();
        match line {
            "\n" if signed => {
                notes.extend(text.get(start..at - 1).map(|note| (start_line, note)));
                (start, start_line, signed) = (at, number + 1, false);
            }
            line => signed = line.starts_with('\u{2014}') && line.ends_with('\n'),
        }
    }
    notes
}

/// The name of the file of checkpoints of an epoch.
pub(crate) fn file_name(epoch: u64) -> String {
    format!("audit-{epoch}.checkpoints")
}

/// The name of the file of the public key of an epoch's checkpoints.
pub(crate) fn verifier_name(epoch: u64) -> String {
    format!("audit-{epoch}.vkey")
}

/// The epoch in one of these two names.
pub(crate) fn parse_name(name: &str) -> Option<u64> {
    let (epoch, _) = name.strip_prefix("audit-")?.split_once('.')?;
    let epoch = epoch.parse().ok()?;
    [file_name(epoch), verifier_name(epoch)].iter().any(|made| made == name).then_some(epoch)
}

#[cfg(test)]
mod tests {
    use super::{super::Disk, *};

    #[test]
    fn a_torn_last_note_is_left_out() {
        let note = "o\n1\nx\n\n\u{2014} k s\n";
        let text = format!("{note}\n{note}\n{}", &note[..6]);
        assert_eq!(split(&text), [(1, note), (7, note)]);
        assert!(split("").is_empty());
    }

    #[test]
    fn a_long_file_is_thinned_and_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        let mut kept = Checkpoints { max_bytes: 2000, ..Checkpoints::of(1) };
        for n in 0..500 {
            kept.add(&disk, &format!("o\n{n}\nx\n\n\u{2014} k s\n")).unwrap();
        }
        let text = kept.read(&disk).unwrap();
        let notes = split(&text);
        assert!(text.len() <= 2000 && notes.len() > 20);
        assert!(notes.last().unwrap().1.starts_with("o\n499\n"));
        assert!(notes.first().unwrap().1.starts_with("o\n0\n"));
    }
}
