//! What the steps of one request cost: sealing and opening, random bytes, HMAC, opening a token, signing.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use keyward_sdk::{
    crypto::{aead::AeadKey, aead::Algorithm, asymmetric, digest, hmac::HmacKey, random},
    envelope::{Context, EnvelopeKey, Format},
    secret::{Key32, Secret},
};

const CONTEXT: Context<'static> = Context { purpose: "bench", tenant: [7; 16], key_id: b"bench" };

fn envelope(c: &mut Criterion) {
    let key = EnvelopeKey::new(&Key32::random());
    for (name, format) in [("aes-256-gcm", Format::Aes256Gcm), ("chacha20-poly1305", Format::Chacha20Poly1305)] {
        let mut group = c.benchmark_group(format!("envelope/{name}"));
        for len in [32usize, 1024, 65_536] {
            let plaintext = Secret::random(len);
            let seal = || key.seal_as(format, &CONTEXT, 1, b"aad", plaintext.expose());
            group.throughput(Throughput::Bytes(len as u64));
            group.bench_function(format!("seal {len}"), |b| b.iter(seal));
            if let Ok(sealed) = seal() {
                group.bench_function(format!("open {len}"), |b| b.iter(|| key.open(&CONTEXT, 1, b"aad", &sealed)));
            }
        }
    }
}

fn parts(c: &mut Criterion) {
    let mut group = c.benchmark_group("parts");
    group.bench_function("random 32 buffered", |b| b.iter(random::array::<32>));
    group.bench_function("random 32 from the kernel", |b| {
        b.iter(|| {
            let mut out = [0; 32];
            random::fill_fresh(&mut out);
            out
        });
    });
    let hmac = HmacKey::new(&[1; 32]);
    group.bench_function("hmac-sha256 of 64", |b| b.iter(|| hmac.tag(black_box(&[2; 64]))));
    group.bench_function("sha256 of 600", |b| b.iter(|| digest::sha256(black_box(&[2; 600]))));
    if let Ok(key) = AeadKey::new(Algorithm::Aes256Gcm, &[3; 32]) {
        let token = key.seal([4; 12], b"header", &[5; 300]).unwrap_or_default();
        group.bench_function("open a token of 300", |b| b.iter(|| key.open([4; 12], b"header", black_box(&token))));
    }
    group.bench_function("take and drop a key", |b| b.iter(|| Key32::copy_of(black_box(&[6; 32]))));
    let kind = asymmetric::KeyKind::Ed25519;
    let pair = asymmetric::generate(kind).and_then(|pkcs8| asymmetric::PrivateKey::from_pkcs8(kind, &pkcs8));
    if let Ok(pair) = pair {
        let sign = || pair.sign(asymmetric::Scheme::Ed25519, black_box(&[7; 64]));
        group.bench_function("ed25519 sign", |b| b.iter(sign));
    }
}

criterion_group!(benches, envelope, parts);
criterion_main!(benches);
