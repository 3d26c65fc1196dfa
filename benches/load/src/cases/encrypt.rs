//! Encrypt with identity, policy and audit on, beside the bare AEAD and beside OpenBao.

use bytes::Bytes;
use data_encoding::BASE64;
use keyward_api::v1::{DecryptRequest, EncryptRequest, crypto_service_client::CryptoServiceClient};
use keyward_sdk::envelope;
use serde_json::{Value, json};

use super::{
    Case,
    calls::{Calls, expect, refused},
};
use crate::{
    bare,
    load::{GrpcLine, HttpTarget, Line, Place, Result, Shape, Target, channel},
    run::{Bar, Contender, Plan, contest},
    servers::{As, Believed, Broker, OpenBao, Session, World},
};

/// The case of the bars.
pub(super) const WIDE: Case = Case {
    name: "encrypt-64",
    title: "Encrypt of 32 bytes, 64 in flight on 2 connections",
    run: |case, world, plan| run(case, world, plan, Shape { in_flight: 64, connections: 2 }, &BARS),
};

/// A busy caller with one connection.
pub(super) const NARROW: Case = Case {
    name: "encrypt-16",
    title: "Encrypt of 32 bytes, 16 in flight on 1 connection",
    run: |case, world, plan| run(case, world, plan, Shape { in_flight: 16, connections: 1 }, &[]),
};

/// One call after the other.
pub(super) const ALONE: Case = Case {
    name: "encrypt-1",
    title: "Encrypt of 32 bytes, 1 in flight on 1 connection",
    run: |case, world, plan| run(case, world, plan, Shape { in_flight: 1, connections: 1 }, &[]),
};

const BARS: [Bar; 3] = [
    Bar { of: "keyward", to: "bare tonic", at_least: 0.65 },
    Bar { of: "keyward", to: "OpenBao", at_least: 12.0 },
    Bar { of: "keyward", to: "OpenBao root", at_least: 12.0 },
];

/// What is encrypted.
pub(super) const PLAINTEXT: Bytes = Bytes::from_static(&[7; 32]);
/// What is bound to it.
pub(super) const AAD: Bytes = Bytes::from_static(b"bench");

fn run(case: &Case, world: &World, plan: &Plan, shape: Shape, bars: &[Bar]) -> Result<()> {
    let broker = world.broker.borrow();
    let session = |believed| world.runtime.block_on(broker.log_in(&world.issuer, believed));
    let (short, long) = (session(Believed::One), session(Believed::All));
    let token = Some(short.token.as_str());
    let (bare, openbao, bare_place) = (&world.bare, &world.openbao, world.bare.place());
    let of_bare = |token| encrypting(&bare_place, token, bare::OVERHEAD);
    let of_keyward = |session: &Session| encrypting(&session.place, Some(&session.token), envelope::OVERHEAD);
    let mut contenders = vec![
        Contender::new("bare tonic", bare.measured(), of_bare(None)),
        Contender::new("keyward", broker.measured(), of_keyward(&short)),
        Contender::new("OpenBao", openbao.measured(), encrypting_at(openbao, As::Job)),
    ];
    if !bars.is_empty() {
        // Rows that tell costs apart: no policy at OpenBao; a token with the claims of a preset; and what it costs the
        // bare server only to be sent such tokens, which it does not look at.
        contenders.extend([
            Contender::new("OpenBao root", openbao.measured(), encrypting_at(openbao, As::Root)),
            Contender::new("keyward long", broker.measured(), of_keyward(&long)).aside(),
            Contender::new("bare short", bare.measured(), of_bare(token)).aside(),
            Contender::new("bare long", bare.measured(), of_bare(Some(&long.token))).aside(),
        ]);
    }
    contest(case, world, plan, shape, &mut contenders, bars)?;
    world.runtime.block_on(async {
        round_trip(&bare_place, None).await?;
        round_trip(&short.place, token).await?;
        round_trip_at(&world.openbao).await
    })?;
    println!("  tokens of {} and (long: all claims of a preset) {} characters", short.token.len(), long.token.len());
    println!("  every answer was checked, and one ciphertext of each was decrypted again");
    Ok(())
}

fn request() -> EncryptRequest {
    EncryptRequest { key: Broker::KEY.to_owned(), plaintext: PLAINTEXT, aad: AAD }
}

fn encrypting(place: &Place, token: Option<&str>, overhead: usize) -> impl Target + use<> {
    let make = move |line| Encrypting {
        client: CryptoServiceClient::new(line),
        request: request(),
        len: PLAINTEXT.len() + overhead,
    };
    Calls { place: place.clone(), token: token.map(str::to_owned), make }
}

struct Encrypting {
    client: CryptoServiceClient<GrpcLine>,
    request: EncryptRequest,
    len: usize,
}

impl Line for Encrypting {
    async fn ask(&mut self) -> Result<()> {
        let reply = self.client.encrypt(self.request.clone()).await.map_err(refused)?;
        expect(reply.get_ref().ciphertext.len() == self.len, "a ciphertext has another length")
    }
}

/// A ciphertext of [`PLAINTEXT`].
pub(super) async fn sealed(place: &Place, token: Option<&str>) -> Result<Bytes> {
    let mut client = CryptoServiceClient::new(channel(place, token).await?);
    Ok(client.encrypt(request()).await.map_err(refused)?.into_inner().ciphertext)
}

async fn round_trip(place: &Place, token: Option<&str>) -> Result<()> {
    let request = DecryptRequest {
        key: Broker::KEY.to_owned(),
        ciphertext: sealed(place, token).await?,
        aad: AAD,
        ..DecryptRequest::default()
    };
    let mut client = CryptoServiceClient::new(channel(place, token).await?);
    let opened = client.decrypt(request).await.map_err(refused)?.into_inner();
    expect(opened.plaintext == PLAINTEXT, "what is decrypted is not what was encrypted")
}

fn encrypting_at(openbao: &OpenBao, who: As) -> HttpTarget {
    openbao.transit(who, "encrypt", &json!({ "plaintext": BASE64.encode(&PLAINTEXT) }), "\"ciphertext\":\"vault:v1:")
}

/// A ciphertext of [`PLAINTEXT`] by OpenBao.
pub(super) async fn sealed_at(openbao: &OpenBao) -> Result<String> {
    let answer = once(&encrypting_at(openbao, As::Job)).await?;
    let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
    let text = answer.pointer("/data/ciphertext").and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| "OpenBao gives no ciphertext".to_owned())
}

async fn round_trip_at(openbao: &OpenBao) -> Result<()> {
    let sealed = sealed_at(openbao).await?;
    once(&openbao.transit(As::Job, "decrypt", &json!({ "ciphertext": sealed }), &BASE64.encode(&PLAINTEXT)))
        .await
        .map(drop)
}

async fn once(target: &HttpTarget) -> Result<String> {
    let mut lines = target.connect(1).await?;
    lines.first_mut().ok_or("there is no connection")?.send().await
}
