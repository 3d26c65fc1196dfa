//! Counters of one served cluster, in atomics: nothing on the way of a request allocates or locks.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use tonic::{Code, Status};

/// What an API server calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// v2 Decrypt.
    Decrypt,
    /// v1beta1 Decrypt.
    DecryptV1,
    /// v2 Encrypt.
    Encrypt,
    /// v1beta1 Encrypt.
    EncryptV1,
    /// v2 Status.
    Status,
}

const CALLS: [(Call, &str); 5] = [
    (Call::Decrypt, "v2.Decrypt"),
    (Call::DecryptV1, "v1beta1.Decrypt"),
    (Call::Encrypt, "v2.Encrypt"),
    (Call::EncryptV1, "v1beta1.Encrypt"),
    (Call::Status, "v2.Status"),
];
const CODES: [(Code, &str); 6] = [
    (Code::Ok, "OK"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::Internal, "OTHER"),
];
/// Upper bounds in microseconds.
const BUCKETS: [u64; 8] = [50, 100, 250, 1_000, 5_000, 25_000, 250_000, 3_000_000];

#[derive(Debug, Default)]
struct OneCall {
    codes: [AtomicU64; CODES.len()],
    buckets: [AtomicU64; BUCKETS.len()],
    micros: AtomicU64,
}

/// The counters.
#[derive(Debug, Default)]
pub struct Metrics {
    calls: [OneCall; CALLS.len()],
    /// Seconds without the broker, of the allowance.
    pub offline_seconds: AtomicU64,
    /// The allowance; 0 is without end.
    pub offline_max_seconds: AtomicU64,
    /// The generation of the keyset in use.
    pub keyset_generation: AtomicU64,
    /// How many versions of the key are in use.
    pub key_versions: AtomicU64,
    /// When the node's certificate expires, in seconds since 1970.
    pub certificate_expires: AtomicU64,
    /// How often the keyset could not be made durable.
    pub keyset_saves_failed: AtomicU64,
    /// 1 while the broker's audit log is not the continuation of what this node has seen.
    pub broker_log_refused: AtomicU64,
    /// How often a checkpoint of it was refused.
    pub broker_log_refusals: AtomicU64,
    /// How many logs of the broker this node knows: one for each folder that brokers ever wrote one in.
    pub broker_logs: AtomicU64,
    /// When one of them was last seen to have grown, in seconds since 1970.
    pub broker_log_seen: AtomicU64,
}

impl Metrics {
    /// Counts a call.
    pub fn count<T>(&self, call: Call, start: Instant, answer: &Result<T, Status>) {
        let code = answer.as_ref().map_or_else(Status::code, |_| Code::Ok);
        let known = CODES.iter().position(|(known, _)| *known == code).unwrap_or(CODES.len() - 1);
        let Some(counters) = CALLS.iter().position(|(known, _)| *known == call).and_then(|at| self.calls.get(at))
        else {
            return;
        };
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Some(counter) = counters.codes.get(known) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let bucket = BUCKETS.iter().position(|bound| micros <= *bound);
        if let Some(counter) = bucket.and_then(|at| counters.buckets.get(at)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        counters.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Writes them in the text format of Prometheus.
    pub fn write(&self, cluster: &str, out: &mut String) {
        for ((_, method), counters) in CALLS.iter().zip(&self.calls) {
            let mut all = 0;
            for ((_, code), counter) in CODES.iter().zip(&counters.codes) {
                let count = counter.load(Ordering::Relaxed);
                all += count;
                if count > 0 {
                    line(
                        out,
                        "keyward_kms_requests_total",
                        &[("cluster", cluster), ("method", method), ("code", code)],
                        count,
                    );
                }
            }
            if all == 0 {
                continue;
            }
            let mut below = 0;
            for (bound, counter) in BUCKETS.iter().zip(&counters.buckets) {
                below += counter.load(Ordering::Relaxed);
                let bound = format!("{}", *bound as f64 / 1e6); // exact: far below 2^53
                let labels = [("cluster", cluster), ("method", *method), ("le", &bound)];
                line(out, "keyward_kms_request_seconds_bucket", &labels, below);
            }
            let labels = [("cluster", cluster), ("method", *method)];
            line(out, "keyward_kms_request_seconds_bucket", &[labels[0], labels[1], ("le", "+Inf")], all);
            line(out, "keyward_kms_request_seconds_count", &labels, all);
            let seconds = counters.micros.load(Ordering::Relaxed) as f64 / 1e6; // a sum for averages
            line(out, "keyward_kms_request_seconds_sum", &labels, seconds);
        }
        for (name, value) in [
            ("keyward_kms_offline_seconds", &self.offline_seconds),
            ("keyward_kms_offline_max_seconds", &self.offline_max_seconds),
            ("keyward_kms_keyset_generation", &self.keyset_generation),
            ("keyward_kms_key_versions", &self.key_versions),
            ("keyward_kms_certificate_expiry_timestamp_seconds", &self.certificate_expires),
            ("keyward_kms_keyset_saves_failed_total", &self.keyset_saves_failed),
            ("keyward_kms_broker_log_refused", &self.broker_log_refused),
            ("keyward_kms_broker_log_refusals_total", &self.broker_log_refusals),
            ("keyward_kms_broker_logs", &self.broker_logs),
            ("keyward_kms_broker_log_seen_timestamp_seconds", &self.broker_log_seen),
        ] {
            line(out, name, &[("cluster", cluster)], value.load(Ordering::Relaxed));
        }
    }
}

/// The same lines with those of one metric together, after a line that says of what type it is, as the text format asks.
pub(super) fn grouped(text: &str) -> String {
    let mut families: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        let name = line.split('{').next().unwrap_or(line);
        let family = ["_bucket", "_count", "_sum"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
        match families.iter_mut().find(|(known, _)| *known == family) {
            Some((_, lines)) => lines.push(line),
            None => families.push((family, vec![line])),
        }
    }
    let mut out = String::with_capacity(text.len() * 2);
    for (family, lines) in families {
        let kind = match family {
            "keyward_kms_request_seconds" => "histogram",
            counter if counter.ends_with("_total") => "counter",
            _ => "gauge",
        };
        let _ = writeln!(out, "# TYPE {family} {kind}"); // writing to a string never fails
        for line in lines {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

/// A line of the text format. Cluster names have no character that would need escaping.
pub(super) fn line(out: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    out.push_str(name);
    for (at, (label, text)) in labels.iter().enumerate() {
        let sign = if at == 0 { '{' } else { ',' };
        let _ = write!(out, "{sign}{label}=\"{text}\""); // writing to a string never fails
    }
    if !labels.is_empty() {
        out.push('}');
    }
    let _ = writeln!(out, " {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_method_and_code() {
        let metrics = Metrics::default();
        metrics.count(Call::Encrypt, Instant::now(), &Ok(()));
        metrics.count::<()>(Call::Decrypt, Instant::now(), &Err(Status::not_found("")));
        metrics.count::<()>(Call::Decrypt, Instant::now(), &Err(Status::data_loss("")));
        let mut out = String::new();
        metrics.write("prod", &mut out);
        for expected in [
            "keyward_kms_requests_total{cluster=\"prod\",method=\"v2.Encrypt\",code=\"OK\"} 1",
            "keyward_kms_requests_total{cluster=\"prod\",method=\"v2.Decrypt\",code=\"NOT_FOUND\"} 1",
            "keyward_kms_requests_total{cluster=\"prod\",method=\"v2.Decrypt\",code=\"OTHER\"} 1",
            "keyward_kms_request_seconds_bucket{cluster=\"prod\",method=\"v2.Encrypt\",le=\"+Inf\"} 1",
        ] {
            assert!(out.contains(expected), "{out}");
        }
    }

    #[test]
    fn the_lines_of_one_metric_stand_together_after_its_type_whatever_the_number_of_clusters() {
        let metrics = Metrics::default();
        metrics.count(Call::Encrypt, Instant::now(), &Ok(()));
        let mut out = String::new();
        ["blue", "green"].iter().for_each(|cluster| metrics.write(cluster, &mut out));
        let (mut seen, mut family) = (Vec::new(), "");
        let grouped = grouped(&out);
        for line in grouped.lines() {
            match line.strip_prefix("# TYPE ") {
                Some(kind) => {
                    family = kind.split(' ').next().unwrap();
                    assert!(!seen.contains(&family), "{family} comes twice: {grouped}");
                    seen.push(family);
                }
                None => assert!(line.starts_with(family), "{line} is not of {family}"),
            }
        }
        assert!(grouped.contains("# TYPE keyward_kms_requests_total counter\n"));
        assert!(grouped.contains("# TYPE keyward_kms_request_seconds histogram\n"));
        assert_eq!(grouped.lines().filter(|line| !line.starts_with('#')).count(), out.lines().count());
    }
}
