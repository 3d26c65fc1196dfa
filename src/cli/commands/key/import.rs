//! Wrapping material for an import.

use std::path::Path;

use keyward_api::v1::{
    GetImportParametersRequest, ImportKeyRequest, WrappingAlgorithm, WrappingKeyType,
    key_service_client::KeyServiceClient,
};
use keyward_sdk::{
    crypto::lc::{OaepHash, OaepPublicKey, kwp_wrap},
    secret::{Key32, Secret},
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};

use super::{show, work::read};
use crate::cli::{CliError, connect::Target, output::Output};

/// Carries it out.
pub(super) async fn run(target: &Target, output: &Output, path: String, file: Option<&Path>) -> Result<(), CliError> {
    let material = material(read(file)?)?;
    let mut client = KeyServiceClient::new(target.connect().await?);
    let request = GetImportParametersRequest { path: path.clone(), wrapping_key_type: WrappingKeyType::Rsa3072.into() };
    let parameters = client.get_import_parameters(request).await?.into_inner();
    let wrapped_key = wrap(&parameters.public_key_der, &material)?.into();
    let request = ImportKeyRequest {
        path,
        import_id: parameters.import_id,
        algorithm: WrappingAlgorithm::RsaAesKeyWrapSha256.into(),
        wrapped_key,
    };
    show::key(&client.import_key(request).await?.into_inner().key.unwrap_or_default(), output);
    Ok(())
}

/// The bytes of the key: out of PEM, or as they are.
fn material(bytes: Secret) -> Result<Secret, CliError> {
    if !bytes.expose().starts_with(b"-----BEGIN") {
        return Ok(bytes);
    }
    let wrong =
        |error: &dyn std::fmt::Display| CliError::other("reading the key", format!("no PKCS#8 key in PEM: {error}"));
    let key = PrivatePkcs8KeyDer::from_pem_slice(bytes.expose()).map_err(|error| wrong(&error))?;
    Secret::copy_of(key.secret_pkcs8_der()).map_err(|error| wrong(&error))
}

/// RSA-OAEP around an AES key of one use, and that around the material.
fn wrap(public_key: &[u8], material: &Secret) -> Result<Vec<u8>, CliError> {
    let wrong = |error: keyward_sdk::crypto::CryptoError| CliError::other("wrapping the key", error);
    let key = Key32::random();
    let public = OaepPublicKey::from_spki(public_key).map_err(wrong)?;
    let mut wrapped = public.encrypt(OaepHash::Sha256, &key.to_secret(), &[]).map_err(wrong)?;
    wrapped.extend_from_slice(&kwp_wrap(&key, material).map_err(wrong)?);
    Ok(wrapped)
}
