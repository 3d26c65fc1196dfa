//! What a record costs: to write down, to chain, and to bring to the disk, alone and with others.
#![allow(missing_docs, clippy::unwrap_used, reason = "benches end when something is wrong")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use keyward_kit::audit::{
    Durability, FileLog, Priority, Record, Tree,
    file::{Disk, Options, Writes},
    record::{Decision, Outcome, Principal, set_sequence},
    tree::leaf_hash,
};
use keyward_sdk::time::SystemClock;

const SOON: Duration = Duration::from_secs(60);

fn record() -> Record<'static> {
    Record {
        decision: Decision::Allowed,
        tenant: [1; 16],
        trace_id: [2; 16],
        token: [3; 16],
        request_id: "4f9c1f2e-0c5e-4a39-9f3e-1d2c3b4a5968",
        method: "keyward.v1.CryptoService/Encrypt",
        principal: Principal { issuer_kind: "oidc", issuer_name: "gitlab", subject: "project_path:platform/payments" },
        role: "payments-deploy",
        peer: "10.20.30.40:51234",
        resource_kind: "Key",
        resource: "payments/cards/pan",
        outcome: Some(Outcome::default()),
        policies: vec!["payments-keys"],
        details: vec![("version", "7")],
        ..Record::default()
    }
}

fn body() -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    record().encode(&mut out).unwrap();
    out
}

fn parts(c: &mut Criterion) {
    let mut group = c.benchmark_group("audit");
    group.bench_function("encode", |b| b.iter(body));
    let encoded = body();
    group.bench_function("parse", |b| b.iter(|| Record::parse(&encoded).unwrap().sequence));
    group.bench_function("chain_and_tree", |b| {
        let (mut tree, mut body, mut prev) = (Tree::new(), body(), [0; 32]);
        b.iter(|| {
            set_sequence(&mut body, tree.size());
            prev = leaf_hash(&prev, &body);
            tree.push(prev);
        });
    });
    group.finish();
}

fn appends(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = c.benchmark_group("audit_append");
    group.sample_size(20).throughput(Throughput::Elements(1));
    for (how, writes) in [("apart", Writes::Apart), ("inline", Writes::Inline)] {
        for durability in [Durability::Os, Durability::Fsync] {
            for in_flight in [1u64, 16, 64] {
                let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
                let options = Options { writes, ..Options::new("bench", "1", SystemClock::shared()) };
                let log = FileLog::open(Arc::new(Disk::open(dir.path()).unwrap()), &options).unwrap();
                group.bench_function(format!("{how}/{durability:?}/{in_flight}"), |b| {
                    b.iter_custom(|iterations| {
                        runtime.block_on(async {
                            let each = iterations.div_ceil(in_flight);
                            let start = Instant::now();
                            let tasks = (0..in_flight).map(|_| async {
                                for _ in 0..each {
                                    log.append(body(), durability, Priority::Normal, SOON).await.unwrap();
                                }
                            });
                            join_all(tasks).await;
                            start.elapsed().mul_f64(iterations as f64 / (each * in_flight) as f64)
                        })
                    });
                });
                runtime.block_on(log.close(SOON)).unwrap();
            }
        }
    }
    group.finish();
}

criterion_group!(benches, parts, appends);
criterion_main!(benches);
