//! Refusals before anyone is identified: counted all, recorded a few, so that noise cannot fill the disk.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use keyward_kit::audit::record::{Outcome, Phase, Record};
use keyward_sdk::time::Timestamp;

use crate::method::Method;

/// The most samples that are recorded each second.
const SAMPLES: usize = 10;
/// The most reasons that are told apart.
const REASONS: usize = 32;
const MAX_PEER_BYTES: usize = 128;

/// What came since the last look.
#[derive(Default)]
pub(super) struct Noise(Mutex<Gathered>);

#[derive(Default)]
struct Gathered {
    counts: BTreeMap<&'static str, u64>,
    samples: Vec<Vec<u8>>,
    total: u64,
}

impl Gathered {
    /// Counts, and says whether there is room for a sample.
    fn count(&mut self, reason: &'static str) -> bool {
        self.total = self.total.saturating_add(1);
        if self.counts.len() < REASONS || self.counts.contains_key(reason) {
            *self.counts.entry(reason).or_default() += 1;
        }
        self.samples.len() < SAMPLES
    }
}

impl Noise {
    /// Counts a refusal, and takes it as a sample if there is room.
    pub(super) fn add(&self, method: &'static Method, peer: &str, reason: &'static str, time: Timestamp) {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !gathered.count(reason) {
            return;
        }
        let peer = peer.get(..MAX_PEER_BYTES).unwrap_or(peer);
        let peer = if peer.len() > MAX_PEER_BYTES { "" } else { peer };
        let code = if reason == "INVALID" { 3 } else { 16 };
        let outcome = Some(Outcome { code, reason });
        let mut body = Vec::new();
        let record = Record { time, phase: Phase::Complete, method: method.rpc, peer, outcome, ..Record::default() };
        if record.encode(&mut body).is_ok() {
            gathered.samples.push(body);
        }
    }

    /// Counts a refusal whose record is there already, and takes that as a sample if there is room.
    pub(super) fn take_sample(&self, reason: &'static str, body: Vec<u8>) {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if gathered.count(reason) {
            gathered.samples.push(body);
        }
    }

    /// The records for what came since the last call: the samples, and a sum when there was more.
    pub(super) fn take(&self, time: Timestamp) -> Vec<Vec<u8>> {
        let Gathered { counts, mut samples, total } =
            std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if total > samples.len() as u64 {
            let counts: Vec<_> = counts.iter().map(|(reason, count)| (*reason, count.to_string())).collect();
            let details = counts.iter().map(|(reason, count)| (*reason, count.as_str())).collect();
            let record =
                Record { time, phase: Phase::System, method: "audit.unidentified", details, ..Record::default() };
            let mut body = Vec::new();
            if record.encode(&mut body).is_ok() {
                samples.push(body);
            }
        }
        samples
    }
}
