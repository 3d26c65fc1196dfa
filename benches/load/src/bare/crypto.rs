//! `CryptoService` with Encrypt and Decrypt under one AES-256-GCM key of its own: no callers, no policy, no log, no store.

use keyward_api::v1::{
    self as pb,
    crypto_service_server::{CryptoService, CryptoServiceServer},
};
use keyward_kit::tls::{AnyClientCertificate, CertificateFiles, Reloading, server_config};
use keyward_sdk::{
    crypto::{
        aead::{AeadKey, Algorithm, TAG_LEN},
        random,
    },
    secret::Key32,
};
use tonic::{Request, Response, Status};

use crate::args::BareCryptoArgs;

const NONCE_LEN: usize = 12;
/// What its ciphertexts are longer than their plaintexts.
pub(crate) const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// Serves it until the process is ended.
pub(crate) fn serve_crypto(args: &BareCryptoArgs) {
    let files = CertificateFiles { certificate: args.certificate.clone(), key: args.key.clone() };
    let identity = Reloading::load(files).expect("the certificate can be used");
    let tls = server_config(identity, AnyClientCertificate::new()).expect("TLS can be set up");
    let key = AeadKey::new(Algorithm::Aes256Gcm, Key32::random().expose()).expect("the key is one");
    super::listener::serve(args.listen, tls, &CryptoServiceServer::new(Bare(key)));
}

struct Bare(AeadKey);

fn failed(error: impl std::fmt::Display) -> Status {
    Status::invalid_argument(error.to_string())
}

/// The rest of the service, which nobody calls here.
macro_rules! crypto_service {
    ({ $($served:item)* } $($rpc:ident($request:ident) -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl CryptoService for Bare {
            $($served)*
            $(async fn $rpc(&self, _: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                Err(Status::unimplemented("the ceiling encrypts and decrypts"))
            })*
        }
    };
}

crypto_service! {
    {
        async fn encrypt(&self, request: Request<pb::EncryptRequest>) -> Result<Response<pb::EncryptResponse>, Status> {
            let pb::EncryptRequest { plaintext, aad, .. } = request.into_inner();
            let nonce = random::array::<NONCE_LEN>();
            let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD);
            sealed.extend_from_slice(&nonce);
            sealed.extend_from_slice(&plaintext);
            let (_, data) = sealed.split_at_mut(NONCE_LEN);
            let tag = self.0.seal_in_place(nonce, &aad, data).map_err(failed)?;
            sealed.extend_from_slice(&tag);
            Ok(Response::new(pb::EncryptResponse { ciphertext: sealed.into(), key_version: 1 }))
        }

        async fn decrypt(&self, request: Request<pb::DecryptRequest>) -> Result<Response<pb::DecryptResponse>, Status> {
            let pb::DecryptRequest { ciphertext, aad, .. } = request.into_inner();
            let (nonce, data) = ciphertext.split_first_chunk().ok_or_else(|| failed("too short"))?;
            let mut data = data.to_vec();
            let len = self.0.open_in_place(*nonce, &aad, &mut data).map_err(failed)?.len();
            data.truncate(len);
            Ok(Response::new(pb::DecryptResponse { plaintext: data.into(), key_version: 1 }))
        }
    }
    rewrap(RewrapRequest) -> RewrapResponse;
    generate_data_key(GenerateDataKeyRequest) -> GenerateDataKeyResponse;
    generate_data_key_without_plaintext(GenerateDataKeyWithoutPlaintextRequest) -> GenerateDataKeyWithoutPlaintextResponse;
    sign(SignRequest) -> SignResponse;
    verify(VerifyRequest) -> VerifyResponse;
    mac(MacRequest) -> MacResponse;
    verify_mac(VerifyMacRequest) -> VerifyMacResponse;
    generate_random(GenerateRandomRequest) -> GenerateRandomResponse;
    batch_encrypt(BatchEncryptRequest) -> BatchEncryptResponse;
    batch_decrypt(BatchDecryptRequest) -> BatchDecryptResponse;
}
