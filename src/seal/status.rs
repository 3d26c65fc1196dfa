//! How the seal stands, for people and metrics.

use std::time::Duration;

use keyward_sdk::time::Timestamp;

use super::{Holder, InstallationId, Name, ProofBook, ProofError, RootFingerprint, SealRecord};

/// How the seal stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Which installation.
    pub installation: InstallationId,
    /// The record's epoch.
    pub epoch: u32,
    /// When the installation was made.
    pub created: Timestamp,
    /// When the seal was last changed.
    pub changed: Timestamp,
    /// To be pinned in the settings.
    pub fingerprint: RootFingerprint,
    /// The paths.
    pub paths: Vec<PathStatus>,
}

/// How a path stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStatus {
    /// Its name.
    pub name: Name,
    /// Since which epoch its shares are good.
    pub epoch: u32,
    /// How many members it takes.
    pub k: u8,
    /// Whether members that proved themselves last time are enough, without any person.
    pub opens_by_itself: bool,
    /// The members.
    pub members: Vec<MemberStatus>,
}

impl PathStatus {
    /// Whether it opens if its people come, and members stay as they proved themselves last.
    #[must_use]
    pub fn could_open(&self) -> bool {
        let there = |member: &&MemberStatus| matches!(member.reach, Reach::Person | Reach::Reachable { .. });
        self.members.iter().filter(there).count() >= usize::from(self.k)
    }
}

/// How a member stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    /// Its name.
    pub name: Name,
    /// The kind of backend, or none for a person.
    pub kind: Option<String>,
    /// The key in the backend, or whom to ask.
    pub holder: String,
    /// What the last proof showed.
    pub reach: Reach,
    /// When it last gave its share.
    pub last_proof: Option<Timestamp>,
}

/// What is known of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It failed when last tried.
    Failed {
        /// When that was.
        at: Timestamp,
        /// What happened.
        error: ProofError,
    },
    /// A person, who cannot be tried.
    Person,
    /// It gave its share when last tried.
    Reachable {
        /// How long that took.
        latency: Duration,
    },
    /// Not tried yet.
    Unknown,
}

/// Puts together the record and what the proofs showed.
#[must_use]
pub fn status(record: &SealRecord, proofs: &ProofBook) -> Status {
    let paths = record.paths().iter().map(|path| {
        let members: Vec<MemberStatus> = path
            .members
            .iter()
            .map(|member| {
                let entry = proofs.of(&path.name, &member.name);
                let (kind, holder, reach) = match &member.holder {
                    Holder::Person { label } => (None, label.clone(), Reach::Person),
                    Holder::Wrapper { kind, share, .. } => {
                        let reach = entry.map_or(Reach::Unknown, |entry| match &entry.last.outcome {
                            Ok(()) => Reach::Reachable { latency: entry.last.latency },
                            Err(error) => Reach::Failed { at: entry.last.at, error: error.clone() },
                        });
                        (Some(kind.clone()), share.key().to_owned(), reach)
                    }
                };
                let last_proof = entry.and_then(|entry| entry.good);
                MemberStatus { name: member.name.clone(), kind, holder, reach, last_proof }
            })
            .collect();
        let reachable = members.iter().filter(|member| matches!(member.reach, Reach::Reachable { .. })).count();
        let opens_by_itself = reachable >= usize::from(path.k);
        PathStatus { name: path.name.clone(), epoch: path.epoch, k: path.k, opens_by_itself, members }
    });
    Status {
        installation: record.installation(),
        epoch: record.epoch(),
        created: record.created(),
        changed: record.changed(),
        fingerprint: record.root().fingerprint,
        paths: paths.collect(),
    }
}
