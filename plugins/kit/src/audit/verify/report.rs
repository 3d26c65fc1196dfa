//! What was found.

use std::fmt;

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingKind {
    /// A checkpoint whose signature or form is wrong.
    BadSignature,
    /// Bytes of a record or a header were changed.
    ChangedBytes,
    /// The end is missing.
    CutTail,
    /// A file is missing.
    MissingFile,
    /// A whole log is missing.
    MissingLog,
    /// A file or record is where another should be.
    OutOfPlace,
    /// Records are missing.
    RemovedRecords,
    /// Whole in itself, and not what a checkpoint says.
    Rewritten,
}

impl FindingKind {
    /// Its name as it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BadSignature => "bad signature",
            Self::ChangedBytes => "changed bytes",
            Self::CutTail => "cut tail",
            Self::MissingFile => "missing file",
            Self::MissingLog => "missing log",
            Self::OutOfPlace => "out of place",
            Self::RemovedRecords => "removed records",
            Self::Rewritten => "rewritten",
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// The file.
    pub file: String,
    /// The byte in it; for checkpoints the line.
    pub offset: Option<u64>,
    /// The record.
    pub sequence: Option<u64>,
    /// In words.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.file)?;
        if let Some(offset) = self.offset {
            let unit = if self.kind == FindingKind::BadSignature { "line" } else { "byte" };
            write!(f, ", {unit} {offset}")?;
        }
        if let Some(sequence) = self.sequence {
            write!(f, ", record {sequence}")?;
        }
        write!(f, ": {}", self.text)
    }
}

/// What is there of one log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LogReport {
    /// Its name.
    pub origin: String,
    /// How many files it has.
    pub files: usize,
    /// How many records.
    pub records: u64,
    /// How many checkpoints were compared with it and fit.
    pub checkpoints: usize,
    /// How many records the last of them covers.
    pub proven: u64,
}

/// What was found in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Report {
    /// The logs.
    pub logs: Vec<LogReport>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is not wrong, but worth a word.
    pub remarks: Vec<String>,
    /// What could not be proven, and why.
    pub unproven: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(
        &mut self,
        kind: FindingKind,
        file: impl fmt::Display,
        offset: Option<u64>,
        sequence: Option<u64>,
        text: impl Into<String>,
    ) {
        self.findings.push(Finding { kind, file: file.to_string(), offset, sequence, text: text.into() });
    }

    pub(super) fn unproven(&mut self, text: impl Into<String>) {
        self.unproven.push(text.into());
    }
}
