//! Opening a log: finding where it stands, cutting what a crash left half-written, refusing what is damaged otherwise.
//!
//! A torn end is told from a change by what follows: after a torn write there is no whole frame. Only the last file is
//! read; the header of each file carries the tree before it, and `verify` reads everything.

use std::{collections::BTreeMap, io, sync::Arc};

use data_encoding::HEXLOWER;
use keyward_sdk::crypto::digest::Hasher;
use tracing::{info, warn};

use super::{
    Medium, Options, Store,
    checkpoints::Checkpoints,
    durable::Proven,
    scan::{self, Frames},
    segment::{Chain, Header, Next, file_name, parse_name},
    writer::{Segment, Writer, begin},
};
use crate::audit::{
    checkpoint::Checkpoint,
    record::{Phase, Record, sequence_of},
    tree::Hash,
};

/// What was found when a log was opened.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Whether there was no log and a new one was begun.
    pub begun: bool,
    /// A torn end that was cut.
    pub cut: Option<Cut>,
    /// A file whose beginning was never finished, and its new name.
    pub set_aside: Option<String>,
    /// How many records there were.
    pub size: u64,
    /// The hash over them.
    pub root: Hash,
}

/// A torn end that was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file.
    pub file: String,
    /// Where it was cut.
    pub offset: u64,
    /// How many bytes were cut.
    pub bytes: u64,
    /// The SHA-256 of what was cut.
    pub digest: String,
}

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Something is changed or missing within it.
    #[error(
        "audit file `{file}` is damaged at byte {offset} (record {sequence}): {what}; run `keyward audit verify`, keep the \
         directory for inquiry and let the log begin anew in an empty one"
    )]
    Damaged {
        /// The file.
        file: String,
        /// Where.
        offset: u64,
        /// The record that should be there.
        sequence: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The log in the directory is another's.
    #[error("audit directory holds the log `{0}` and not one of `{1}`; give each replica a directory of its own")]
    Foreign(String, String),
    /// The file system.
    #[error("cannot {0}: {1}")]
    Io(String, #[source] io::Error),
    /// An id that cannot be part of an origin.
    #[error("id `{0}` cannot name an audit log; it has 1 to 128 letters, digits, `.`, `_` or `-`")]
    Name(String),
    /// Shorter than its own last checkpoint says.
    #[error(
        "audit log ends at record {found}, but its checkpoint says that it had {expected}: its end was cut; keep the \
         directory for inquiry and let the log begin anew in an empty one"
    )]
    Shortened {
        /// How many records are there.
        found: u64,
        /// How many there were.
        expected: u64,
    },
}

pub(super) fn open(medium: Arc<dyn Medium>, options: &Options) -> Result<(Writer, Recovered), OpenError> {
    for id in [&options.installation, &options.replica] {
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if id.is_empty() || id.len() > 128 || !plain {
            return Err(OpenError::Name(id.clone()));
        }
    }
    let names = medium.list().map_err(|error| OpenError::Io("list the audit directory".to_owned(), error))?;
    let mut logs: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    names.iter().filter_map(|name| parse_name(name)).for_each(|(epoch, n)| logs.entry(epoch).or_default().push(n));
    let mut found = Recovered::default();
    let opened = match logs.pop_last() {
        None => None,
        Some((epoch, numbers)) => {
            last_file(medium.as_ref(), options, epoch, numbers, &mut found)?.map(|at| (epoch, at))
        }
    };
    let (epoch, (segment, chain)) = match opened {
        Some(opened) => opened,
        None => {
            found.begun = true;
            // The time makes the epoch new even if every file of an older one is gone; the register then names those.
            let epoch = options.clock.now().millis().max(logs.keys().next_back().map_or(0, |last| last + 1));
            (epoch, first_file(medium.as_ref(), options, epoch)?)
        }
    };
    let mut writer = Writer {
        origin: origin(options, epoch),
        clock: Arc::clone(&options.clock),
        epoch,
        segment_bytes: options.segment_bytes,
        reserve_bytes: options.reserve_bytes,
        checkpoints: Checkpoints::of(epoch),
        buffer: Vec::new(),
        owed: Vec::new(),
        reserve: false,
        in_reserve: false,
        full: false,
        proven: Proven { len: segment.len, chain: chain.clone() },
        spoiled: false,
        gap: false,
        closed: false,
        told: Arc::default(),
        medium,
        chain,
        segment,
    };
    compare(&mut writer)?;
    (found.size, found.root) = (writer.size(), writer.chain.tree.root());
    if let Err(error) = writer.make_reserve() {
        warn!(%error, "Audit reserve cannot be made");
        // Space that the file already has is kept for urgent records: it may be the rest of the last reserve.
        writer.in_reserve = writer.segment.allocated > writer.segment.len;
        writer.segment.limit = if writer.in_reserve { writer.segment.allocated } else { writer.segment.limit };
        writer.full = true;
    }
    writer.owed.extend(opening(&found, options));
    writer.tell();
    info!(audit.log = %writer.origin, audit.size = writer.size(), "Audit log opened");
    Ok((writer, found))
}

fn origin(options: &Options, epoch: u64) -> String {
    format!("{}/{}/{epoch}", options.installation, options.replica)
}

fn first_file(medium: &dyn Medium, options: &Options, epoch: u64) -> Result<(Segment, Chain), OpenError> {
    let origin = origin(options, epoch);
    let chain = Chain::begin(&origin);
    let header = Header { origin, number: 0, time: options.clock.now(), chain: chain.clone() };
    let begun = begin(medium, epoch, &header, options.segment_bytes);
    begun.map(|segment| (segment, chain)).map_err(|error| OpenError::Io("begin an audit log".to_owned(), error))
}

/// The last file of an epoch, read to its end. None if even the first was never finished.
fn last_file(
    medium: &dyn Medium,
    options: &Options,
    epoch: u64,
    mut numbers: Vec<u32>,
    found: &mut Recovered,
) -> Result<Option<(Segment, Chain)>, OpenError> {
    numbers.sort_unstable();
    while let Some(number) = numbers.pop() {
        let file = file_name(epoch, number);
        let io = |error| OpenError::Io(format!("read the audit file `{file}`"), error);
        let store = medium.open(&file).map_err(io)?;
        let Some((header, start)) = scan::header(store.as_ref()).map_err(io)? else {
            // A header is durable before the first record is written: a file with records has lost it.
            if Frames::from(&store, 0).find(0).map_err(io)? {
                return Err(OpenError::Damaged { file, offset: 0, sequence: 0, what: "its header is changed" });
            }
            let aside = format!("{file}.torn");
            medium.rename(&file, &aside).map_err(io)?;
            found.set_aside = Some(aside);
            continue;
        };
        let expected = origin(options, epoch);
        if header.origin != expected {
            return Err(OpenError::Foreign(header.origin, expected));
        }
        if header.number != number {
            return Err(OpenError::Damaged { file, offset: 0, sequence: 0, what: "its header has another number" });
        }
        let (chain, end) = read(&store, &file, header.chain, start, found)?;
        let allocated = store.size().map_err(io)?;
        let limit = options.segment_bytes;
        return Ok(Some((Segment { store, number, len: end, allocated, limit, torn: false }, chain)));
    }
    Ok(None)
}

/// Follows the frames to the end, and cuts a torn one.
fn read(
    store: &Arc<dyn Store>,
    file: &str,
    mut chain: Chain,
    start: u64,
    found: &mut Recovered,
) -> Result<(Chain, u64), OpenError> {
    let io = |error| OpenError::Io(format!("read the audit file `{file}`"), error);
    let mut frames = Frames::from(store, start);
    loop {
        let (offset, sequence) = (frames.offset(), chain.tree.size());
        let damaged = |what| OpenError::Damaged { file: file.to_owned(), offset, sequence, what };
        match frames.peek().map_err(io)? {
            Next::Frame(frame) => {
                if frame.prev != chain.prev || sequence_of(frame.body) != Some(sequence) {
                    return Err(damaged("a record is missing or out of place"));
                }
                chain.follow(frame.leaf);
                frames.skip();
                continue;
            }
            Next::End if Frames::from(store, offset).only_zeros_follow().map_err(io)? => return Ok((chain, offset)),
            Next::Bad | Next::End | Next::More(_) => {}
        }
        if Frames::from(store, offset).find(sequence).map_err(io)? {
            return Err(damaged("a record is changed, whole ones follow"));
        }
        let cut = cut(store.as_ref(), file, offset).map_err(io)?;
        warn!(audit.file = file, offset, bytes = cut.bytes, "Torn end of the audit log was cut");
        found.cut = Some(cut);
        return Ok((chain, offset));
    }
}

fn cut(store: &dyn Store, file: &str, offset: u64) -> io::Result<Cut> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 64 << 10];
    let mut at = offset;
    loop {
        let read = store.read_at(at, &mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
        at += read as u64;
    }
    store.truncate(offset)?;
    store.sync()?;
    Ok(Cut { file: file.to_owned(), offset, bytes: at - offset, digest: HEXLOWER.encode(&hasher.finish()) })
}

/// What was cut must not have been there at the last checkpoint: all before a checkpoint was durable.
fn compare(writer: &mut Writer) -> Result<(), OpenError> {
    let medium = Arc::clone(&writer.medium);
    let text = writer
        .checkpoints
        .read(medium.as_ref())
        .map_err(|error| OpenError::Io("read the checkpoints of the audit log".to_owned(), error))?;
    let notes = super::split_checkpoints(&text);
    let sizes = notes.iter().filter_map(|(_, note)| Checkpoint::danger_unverified(note).ok()).map(|c| c.size);
    match sizes.max() {
        Some(expected) if expected > writer.size() => Err(OpenError::Shortened { found: writer.size(), expected }),
        _ => Ok(()),
    }
}

/// The log's own record of its opening.
fn opening(found: &Recovered, options: &Options) -> Option<Vec<u8>> {
    let cut = found.cut.as_ref().map(|cut| (cut.offset.to_string(), cut.bytes.to_string(), cut));
    let mut details = vec![("begun", if found.begun { "true" } else { "false" })];
    if let Some((offset, bytes, cut)) = &cut {
        details.extend([
            ("cut_file", cut.file.as_str()),
            ("cut_at", offset),
            ("cut_bytes", bytes),
            ("cut_sha256", &cut.digest),
        ]);
    }
    if let Some(aside) = &found.set_aside {
        details.push(("set_aside", aside));
    }
    let record = Record {
        time: options.clock.now(),
        phase: Phase::System,
        method: "audit.opened",
        details,
        ..Record::default()
    };
    let mut body = Vec::new();
    record.encode(&mut body).is_ok().then_some(body)
}
