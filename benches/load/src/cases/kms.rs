//! The KMS provider in mode `local`, on its unix socket, beside one that answers with what it was sent.

use bytes::Bytes;
use keyward_api::kubernetes::v2::{
    DecryptRequest, EncryptRequest, EncryptResponse, key_management_service_client::KeyManagementServiceClient,
};

use super::{
    Case,
    calls::{Calls, expect, refused},
};
use crate::{
    load::{GrpcLine, Line, Place, Result, Shape, Target, channel},
    run::{Bar, Contender, Plan, contest},
    servers::World,
};

/// What API servers do for each new seed.
pub(super) const ENCRYPT: Case =
    Case { name: "kms-encrypt", title: "KMS v2 Encrypt of 32 bytes on a unix socket", run: encrypt };

/// What they do when they start.
pub(super) const DECRYPT: Case =
    Case { name: "kms-decrypt", title: "KMS v2 Decrypt of 32 bytes on a unix socket", run: decrypt };

const BAR: Bar = Bar { of: "provider", to: "bare echo", at_least: 0.85 };
const SHAPES: [Shape; 2] = [Shape { in_flight: 16, connections: 1 }, Shape { in_flight: 64, connections: 2 }];
/// A seed, as API servers have them.
const SEED: Bytes = Bytes::from_static(&[9; 32]);

type Client = KeyManagementServiceClient<GrpcLine>;

fn encrypt(case: &Case, world: &World, plan: &Plan) -> Result<()> {
    let provider = world.provider.borrow();
    for shape in SHAPES {
        let mut contenders = [
            Contender::new("bare echo", world.bare_kms.measured(), encrypting(&world.bare_kms.place())),
            Contender::new("provider", provider.measured(), encrypting(&provider.place())),
        ];
        contest(case, world, plan, shape, &mut contenders, &[BAR])?;
    }
    println!("  every answer was checked");
    Ok(())
}

fn decrypt(case: &Case, world: &World, plan: &Plan) -> Result<()> {
    let provider = world.provider.borrow();
    let (own, echoed) = world.runtime.block_on(async {
        Ok::<_, String>((sealed(&provider.place()).await?, sealed(&world.bare_kms.place()).await?))
    })?;
    for shape in SHAPES {
        let mut contenders = [
            Contender::new("bare echo", world.bare_kms.measured(), decrypting(&world.bare_kms.place(), &echoed)),
            Contender::new("provider", provider.measured(), decrypting(&provider.place(), &own)),
        ];
        contest(case, world, plan, shape, &mut contenders, &[BAR])?;
    }
    println!("  every answer was checked: it is what was encrypted");
    Ok(())
}

fn request() -> EncryptRequest {
    EncryptRequest { plaintext: SEED, uid: "6f2a1b9c-3f5e-4a6b-8b1d-2c4f7a9e0d11".to_owned() }
}

/// A ciphertext of [`SEED`].
pub(super) async fn sealed(place: &Place) -> Result<EncryptResponse> {
    let mut client = Client::new(channel(place, None).await?);
    Ok(client.encrypt(request()).await.map_err(refused)?.into_inner())
}

fn encrypting(place: &Place) -> impl Target {
    let make = |line| Encrypting { client: Client::new(line), request: request() };
    Calls { place: place.clone(), token: None, make }
}

struct Encrypting {
    client: Client,
    request: EncryptRequest,
}

impl Line for Encrypting {
    async fn ask(&mut self) -> Result<()> {
        let reply = self.client.encrypt(self.request.clone()).await.map_err(refused)?;
        expect(reply.get_ref().ciphertext.len() >= SEED.len(), "a ciphertext is too short")
    }
}

fn decrypting(place: &Place, sealed: &EncryptResponse) -> impl Target {
    let EncryptRequest { uid, .. } = request();
    let EncryptResponse { ciphertext, key_id, annotations } = sealed.clone();
    let request = DecryptRequest { ciphertext, uid, key_id, annotations };
    let make = move |line| Decrypting { client: Client::new(line), request: request.clone() };
    Calls { place: place.clone(), token: None, make }
}

struct Decrypting {
    client: Client,
    request: DecryptRequest,
}

impl Line for Decrypting {
    async fn ask(&mut self) -> Result<()> {
        let reply = self.client.decrypt(self.request.clone()).await.map_err(refused)?;
        expect(reply.get_ref().plaintext == SEED, "what is decrypted is not what was encrypted")
    }
}
