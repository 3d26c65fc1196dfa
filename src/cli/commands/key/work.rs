//! Encrypting, signing and the like.

use std::{io::Read, path::Path};

use bytes::Bytes;
use data_encoding::BASE64;
use keyward_api::v1::{
    DecryptRequest, EncryptRequest, GenerateDataKeyRequest, GenerateDataKeyWithoutPlaintextRequest,
    GenerateRandomRequest, MacRequest, RewrapRequest, SignRequest, VerifyMacRequest, VerifyRequest,
    crypto_service_client::CryptoServiceClient,
};
use keyward_sdk::secret::Secret;
use serde_json::json;

use super::{Input, KeyCommand, args};
use crate::cli::{CliError, connect::Target, output::Output};

/// The most that is read: what the broker takes, as base64.
const MAX: usize = 2 << 20;

/// Carries it out.
pub(super) async fn run(command: KeyCommand, target: &Target, output: &Output) -> Result<(), CliError> {
    let mut client = CryptoServiceClient::new(target.connect().await?);
    match command {
        KeyCommand::Encrypt { path: key, input, aad, raw } => {
            let request = EncryptRequest { key, plaintext: input.bytes()?, aad: aad.into() };
            let ciphertext = client.encrypt(request).await?.into_inner().ciphertext;
            if raw { output.bytes(&ciphertext) } else { output.line(&BASE64.encode(&ciphertext)) }
        }
        KeyCommand::Decrypt { path: key, input, aad, raw, at: version } => {
            let ciphertext = if raw { input.bytes()? } else { decode("ciphertext", &input.bytes()?)? };
            let request = DecryptRequest { key, ciphertext, aad: aad.into(), key_version: version.unwrap_or(0) };
            output.bytes(&client.decrypt(request).await?.into_inner().plaintext);
        }
        KeyCommand::Rewrap { path: key, input, aad } => {
            let ciphertext = decode("ciphertext", &input.bytes()?)?;
            let request = RewrapRequest { key, ciphertext, aad: aad.into(), key_version: 0 };
            output.line(&BASE64.encode(&client.rewrap(request).await?.into_inner().ciphertext));
        }
        KeyCommand::DataKey { path: key, bytes, aad, hidden } => {
            let aad = aad.into();
            if hidden {
                let request = GenerateDataKeyWithoutPlaintextRequest { key, bytes, aad };
                let made = client.generate_data_key_without_plaintext(request).await?.into_inner();
                output.line(&BASE64.encode(&made.ciphertext));
            } else {
                let made = client.generate_data_key(GenerateDataKeyRequest { key, bytes, aad }).await?.into_inner();
                output.record(&[
                    ("plaintext", json!(BASE64.encode(&made.plaintext))),
                    ("ciphertext", json!(BASE64.encode(&made.ciphertext))),
                ]);
            }
        }
        KeyCommand::Sign { path: key, input, algorithm } => {
            let request = SignRequest { key, message: input.bytes()?, algorithm: args::algorithm(algorithm) };
            output.line(&BASE64.encode(&client.sign(request).await?.into_inner().signature));
        }
        KeyCommand::Verify { path: key, input, signature, algorithm, at: version } => {
            let request = VerifyRequest {
                key,
                message: input.bytes()?,
                signature: decode("signature", signature.as_bytes())?,
                algorithm: args::algorithm(algorithm),
                key_version: version.unwrap_or(0),
            };
            valid("the signature", client.verify(request).await?.into_inner().valid, output)?;
        }
        KeyCommand::Mac { path: key, input } => {
            let made = client.mac(MacRequest { key, message: input.bytes()? }).await?.into_inner();
            output.line(&BASE64.encode(&made.mac));
        }
        KeyCommand::VerifyMac { path: key, input, mac, at: version } => {
            let mac = decode("code", mac.as_bytes())?;
            let request = VerifyMacRequest { key, message: input.bytes()?, mac, key_version: version.unwrap_or(0) };
            valid("the code", client.verify_mac(request).await?.into_inner().valid, output)?;
        }
        KeyCommand::Random { bytes } => {
            let random = client.generate_random(GenerateRandomRequest { bytes }).await?.into_inner().random;
            output.line(&BASE64.encode(&random));
        }
        // The others are carried out elsewhere.
        _ => {}
    }
    Ok(())
}

impl Input {
    fn bytes(&self) -> Result<Bytes, CliError> {
        Ok(Bytes::from_owner(read(self.file.as_deref())?.into_exposed()))
    }
}

/// A file, or standard input.
pub(super) fn read(file: Option<&Path>) -> Result<Secret, CliError> {
    let limit = u64::try_from(MAX).unwrap_or(u64::MAX).saturating_add(1);
    let name = file.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    let wrong = |error: &dyn std::fmt::Display| CliError::other(format!("reading {name}"), error);
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(64 << 10));
    let read = match file {
        Some(file) => std::fs::File::open(file).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
        None => std::io::stdin().take(limit).read_to_end(&mut bytes),
    };
    read.map_err(|error| wrong(&error))?;
    Secret::limited(std::mem::take(&mut *bytes), MAX).map_err(|error| wrong(&error))
}

fn decode(what: &str, text: &[u8]) -> Result<Bytes, CliError> {
    let decoded = BASE64.decode(text.trim_ascii()).map_err(|_| CliError::usage(format!("the {what} is not base64")))?;
    Ok(decoded.into())
}

fn valid(what: &str, valid: bool, output: &Output) -> Result<(), CliError> {
    if !valid {
        return Err(CliError::other(what, "is not valid for this message and key"));
    }
    output.line("valid");
    Ok(())
}
