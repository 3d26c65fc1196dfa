//! One log from its first file to its last.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use super::{Expected, FindingKind, LogReport, Report};
use crate::audit::{
    checkpoint::Checkpoint,
    file::{
        checkpoints_name, open_to_read,
        scan::{self, Frames},
        segment::{Chain, Header, file_name},
        verifier_name,
    },
    note::Verifier,
    read,
    tree::Hash,
};

/// Where the walk stands.
pub(super) struct Walk<'a> {
    dir: &'a Path,
    epoch: u64,
    pub(super) newest: bool,
    expected: &'a Expected,
    pub(super) report: &'a mut Report,
    pub(super) log: LogReport,
    /// The tree so far; false after damage, until a header says it again.
    pub(super) chain: Chain,
    pub(super) whole: bool,
    /// The sequence that comes next.
    pub(super) next: u64,
    /// What checkpoints say: the root at a size, and where that stands.
    roots: BTreeMap<u64, (Hash, String)>,
    unchecked: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        dir: &'a Path,
        epoch: u64,
        newest: bool,
        expected: &'a Expected,
        report: &'a mut Report,
    ) -> io::Result<Self> {
        let mut origin = String::new();
        for number in read::numbers(dir, epoch)? {
            let store = open_to_read(&dir.join(file_name(epoch, number)))?;
            if let Some((header, _)) = scan::header(store.as_ref())? {
                origin = header.origin;
                break;
            }
        }
        if origin.is_empty() {
            // Its files say nothing, if there are any; its key has its name.
            let own = read::danger_own_verifier(dir, epoch)?.and_then(|text| Verifier::parse(&text).ok());
            origin = own.map(|own| own.name().to_owned()).unwrap_or_default();
        }
        if origin.is_empty() {
            let ending = format!("/{epoch}");
            let known = expected.logs.iter().find(|known| known.origin.ends_with(&ending));
            origin = known.map_or(ending.clone(), |known| known.origin.clone());
        }
        let chain = Chain::begin(&origin);
        let log = LogReport { origin, ..LogReport::default() };
        let roots = BTreeMap::new();
        Ok(Self { dir, epoch, newest, expected, report, log, chain, whole: true, next: 0, roots, unchecked: 0 })
    }

    /// Walks, and gives the log's name.
    pub(super) fn run(mut self) -> io::Result<String> {
        self.gather()?;
        let numbers = read::numbers(self.dir, self.epoch)?;
        let last = numbers.last().copied();
        if numbers.is_empty() {
            self.gone();
            return Ok(self.log.origin);
        }
        let mut expected_number = 0;
        for number in numbers {
            self.log.files += 1;
            for missing in expected_number..number {
                let text = format!("the file is gone, with the records from {} on", self.next);
                let name = file_name(self.epoch, missing);
                self.report.find(FindingKind::MissingFile, name, None, Some(self.next), text);
                self.whole = false;
            }
            expected_number = number.saturating_add(1);
            self.file(number, last == Some(number))?;
        }
        self.ends(last);
        let origin = self.log.origin.clone();
        self.report.logs.push(self.log);
        Ok(origin)
    }

    /// Nothing is left but the key or checkpoints.
    fn gone(&mut self) {
        let origin = &self.log.origin;
        if self.expected.given_up.contains(origin) {
            return;
        }
        let had = self.roots.last_key_value();
        let had =
            had.map(|(size, (_, place))| format!(": it had {size} records when the checkpoint in {place} was signed"));
        let text = format!("all files of log `{origin}` are gone{}", had.unwrap_or_default());
        self.report.find(FindingKind::MissingLog, self.dir.display(), None, None, text);
    }

    /// Reads and checks the checkpoints of the log.
    fn gather(&mut self) -> io::Result<()> {
        let known = self.expected.of(&self.log.origin);
        let given = known.and_then(|known| known.verifier.clone());
        let own = if given.is_none() { read::danger_own_verifier(self.dir, self.epoch)? } else { None };
        if own.is_some() {
            self.report.unproven(format!(
                "log `{}`: its public key was read from its own folder; give it from elsewhere to prove who signed",
                self.log.origin
            ));
        }
        let key = given.or(own);
        let verifier = key.as_deref().and_then(|text| Verifier::parse(text).ok());
        let file = checkpoints_name(self.epoch);
        let local = read::checkpoints(self.dir, self.epoch)?;
        if local.is_empty() {
            self.report.unproven(format!(
                "log `{}`: there are no checkpoints beside it: it ended before its first, or they were removed",
                self.log.origin
            ));
        }
        let elsewhere = known.into_iter().flat_map(|known| &known.checkpoints).cloned();
        let all = local
            .into_iter()
            .map(|(line, note)| (file.clone(), Some(line as u64), note))
            .chain(elsewhere.map(|note| ("register".to_owned(), None, note)));
        let Some(verifier) = verifier else {
            self.unchecked = all.count();
            if key.is_some() {
                let text = "it is no public key, so the checkpoints cannot be checked; give the key from elsewhere";
                self.report.find(FindingKind::ChangedBytes, verifier_name(self.epoch), None, None, text);
            } else if self.unchecked > 0 {
                let text = format!(
                    "the public key is gone, so {} checkpoints cannot be checked; give it from elsewhere",
                    self.unchecked
                );
                self.report.find(FindingKind::MissingFile, verifier_name(self.epoch), None, None, text);
            }
            let text = format!("log `{}`: there is no public key, so its checkpoints prove nothing", self.log.origin);
            self.report.unproven(text);
            return Ok(());
        };
        for (file, line, note) in all {
            let checkpoint = match Checkpoint::open(&note, &verifier) {
                Ok(checkpoint) => checkpoint,
                Err(error) => {
                    self.report.find(FindingKind::BadSignature, file, line, None, error.to_string());
                    continue;
                }
            };
            let place = line.map_or(file.clone(), |line| format!("{file}, line {line}"));
            let (root, first) = self.roots.entry(checkpoint.size).or_insert((checkpoint.root, place.clone()));
            if *root != checkpoint.root {
                let text = format!("two checkpoints of {} records differ: {first} and {place}", checkpoint.size);
                self.report.find(FindingKind::Rewritten, file, line, Some(checkpoint.size), text);
            }
        }
        Ok(())
    }

    fn file(&mut self, number: u32, last: bool) -> io::Result<()> {
        let name = file_name(self.epoch, number);
        let store = open_to_read(&self.dir.join(&name))?;
        let mut frames = match scan::header(store.as_ref())? {
            Some((header, start)) => {
                if header.number != number || header.origin != self.log.origin {
                    let text =
                        format!("it says that it is file {} of `{}`: files were swapped", header.number, header.origin);
                    self.report.find(FindingKind::OutOfPlace, &name, Some(0), Some(self.next), text);
                    self.whole = false;
                    return Ok(());
                }
                self.enter(&name, header);
                Frames::from(&store, start)
            }
            None => {
                let mut frames = Frames::from(&store, 0);
                if last && self.newest && !Frames::from(&store, 0).find(self.next)? {
                    self.report
                        .remarks
                        .push(format!("{name}: begun and not finished, as by a crash; it has no records"));
                    return Ok(());
                }
                self.report.find(FindingKind::ChangedBytes, &name, Some(0), Some(self.next), "its header is changed");
                self.whole = false;
                if !frames.find(self.next)? {
                    return Ok(());
                }
                frames
            }
        };
        self.frames(&name, &store, &mut frames, last)
    }

    /// Compares a file's header with what came before it.
    fn enter(&mut self, name: &str, header: Header) {
        let size = header.chain.tree.size();
        if self.whole && header.chain != self.chain {
            if size > self.next {
                let text = format!("records {} to {} are missing before this file", self.next, size - 1);
                self.report.find(FindingKind::RemovedRecords, name, Some(0), Some(self.next), text);
            } else {
                let text = "its header does not continue the files before it: they, or it, were written anew";
                self.report.find(FindingKind::Rewritten, name, Some(0), Some(size), text);
            }
        }
        if !self.whole && size > self.next {
            let text = format!("records {} to {} are missing or unreadable before this file", self.next, size - 1);
            self.report.remarks.push(format!("{name}: {text}"));
        }
        // Taken over: if it lies, the next checkpoint does not fit.
        (self.chain, self.next, self.whole) = (header.chain, size, true);
        self.compare(name, None);
    }

    /// Compares the tree with a checkpoint of this size.
    pub(super) fn compare(&mut self, name: &str, offset: Option<u64>) {
        if !self.whole {
            return;
        }
        let Some((root, place)) = self.roots.get(&self.chain.tree.size()) else { return };
        if self.chain.tree.root() == *root {
            if self.log.proven < self.next || self.next == 0 {
                self.log.checkpoints += 1;
            }
            self.log.proven = self.log.proven.max(self.next);
        } else {
            let text = format!(
                "the records up to here are not those of the checkpoint in {place}; the last that fits has {} records",
                self.log.proven
            );
            self.report.find(FindingKind::Rewritten, name, offset, Some(self.next), text);
        }
    }

    fn ends(&mut self, last: Option<u32>) {
        self.log.records = self.next;
        let name = last.map_or_else(|| self.dir.display().to_string(), |number| file_name(self.epoch, number));
        if let Some((size, (_, place))) = self.roots.last_key_value().filter(|(size, _)| **size > self.next) {
            let text = format!("the log ends here, and had {size} records when the checkpoint in {place} was signed");
            self.report.find(FindingKind::CutTail, name, None, Some(self.next), text);
        }
        let origin = &self.log.origin;
        if self.log.proven < self.next {
            let after = self.next - self.log.proven;
            self.report.unproven.push(format!("log `{origin}`: {after} records after its last fitting checkpoint are chained only; a cut there is not noticed"));
        }
        if self.unchecked > 0 {
            self.report.unproven.push(format!("log `{origin}`: {} checkpoints were not checked", self.unchecked));
        }
    }
}

pub(super) type File = Arc<dyn crate::audit::file::Store>;
