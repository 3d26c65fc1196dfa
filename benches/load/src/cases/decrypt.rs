//! Decrypt, beside the bare AEAD and beside OpenBao.

use bytes::Bytes;
use data_encoding::BASE64;
use keyward_api::v1::{DecryptRequest, crypto_service_client::CryptoServiceClient};
use serde_json::json;

use super::{
    Case,
    calls::{Calls, expect, refused},
    encrypt::{AAD, PLAINTEXT, sealed, sealed_at},
};
use crate::{
    load::{GrpcLine, Line, Place, Result, Shape, Target},
    run::{Contender, Plan, contest},
    servers::{As, Believed, Broker, World},
};

/// See the module.
pub(super) const CASE: Case =
    Case { name: "decrypt-64", title: "Decrypt of 32 bytes, 64 in flight on 2 connections", run };

fn run(case: &Case, world: &World, plan: &Plan) -> Result<()> {
    let broker = world.broker.borrow();
    let bare = world.bare.place();
    let (session, for_bare, for_keyward, for_openbao) = world.runtime.block_on(async {
        let session = broker.log_in(&world.issuer, Believed::One).await;
        let for_keyward = sealed(&session.place, Some(&session.token)).await?;
        Ok::<_, String>((session, sealed(&bare, None).await?, for_keyward, sealed_at(&world.openbao).await?))
    })?;
    let ciphertext = json!({ "ciphertext": for_openbao });
    let for_openbao = world.openbao.transit(As::Job, "decrypt", &ciphertext, &BASE64.encode(&PLAINTEXT));
    let mut contenders = [
        Contender::new("bare tonic", world.bare.measured(), decrypting(&bare, None, for_bare)),
        Contender::new("keyward", broker.measured(), decrypting(&session.place, Some(&session.token), for_keyward)),
        Contender::new("OpenBao", world.openbao.measured(), for_openbao),
    ];
    contest(case, world, plan, Shape { in_flight: 64, connections: 2 }, &mut contenders, &[])?;
    println!("  every answer was checked: it is what was encrypted");
    Ok(())
}

fn decrypting(place: &Place, token: Option<&str>, ciphertext: Bytes) -> impl Target {
    let request = DecryptRequest { key: Broker::KEY.to_owned(), ciphertext, aad: AAD, ..DecryptRequest::default() };
    let make = move |line| Decrypting { client: CryptoServiceClient::new(line), request: request.clone() };
    Calls { place: place.clone(), token: token.map(str::to_owned), make }
}

struct Decrypting {
    client: CryptoServiceClient<GrpcLine>,
    request: DecryptRequest,
}

impl Line for Decrypting {
    async fn ask(&mut self) -> Result<()> {
        let reply = self.client.decrypt(self.request.clone()).await.map_err(refused)?;
        expect(reply.get_ref().plaintext == PLAINTEXT, "what is decrypted is not what was encrypted")
    }
}
