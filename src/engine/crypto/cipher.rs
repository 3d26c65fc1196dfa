//! Sealing and opening with a named key.

use keyward_sdk::{
    crypto::lc::OaepHash,
    envelope::{Context, Header, OVERHEAD},
    secret::Secret,
};

use super::{MAX_AAD, MAX_PAYLOAD, within};
use crate::engine::{
    EngineError, Reply,
    key::{HotKey, Prepared, Use},
};

/// A ciphertext, and the version that made it.
#[derive(Debug)]
pub struct Sealed {
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
    /// The version.
    pub version: u32,
}

/// A plaintext, and the version that opened it.
#[derive(Debug)]
pub struct Opened {
    /// The plaintext.
    pub plaintext: Secret,
    /// The version.
    pub version: u32,
}

impl Reply for Sealed {}
impl Reply for Opened {
    fn secrets(&self) -> Vec<(&str, &Secret)> {
        vec![("plaintext", &self.plaintext)]
    }
}

/// No other use of envelopes has this purpose. Tenant and key are named by their random ids, so what was made in another
/// tenant, or under a key of the same path that is gone, does not open.
fn context(key: &HotKey) -> Context<'_> {
    Context { purpose: "keyward/crypto", tenant: key.tenant().0, key_id: &key.info().id }
}

/// Encrypts under the primary version.
pub(super) fn seal(key: &HotKey, aad: &[u8], plaintext: &Secret) -> Result<Sealed, EngineError> {
    within("the plaintext in bytes", plaintext.len(), MAX_PAYLOAD)?;
    within("the associated data in bytes", aad.len(), MAX_AAD)?;
    let version = key.version_for(Use::Encrypt, 0)?;
    let ciphertext = match key.prepared(version)? {
        Prepared::Envelope(envelope, format) => envelope
            .seal_as(*format, &context(key), version.number, aad, plaintext.expose())
            .map_err(|error| EngineError::Internal(error.to_string()))?,
        Prepared::Oaep(pair) => {
            let most = pair.public.max_plaintext(OaepHash::Sha256);
            if plaintext.len() > most {
                let why = format!("an RSA key of this size encrypts at most {most} bytes; encrypt a data key with it");
                return Err(EngineError::invalid("plaintext", why));
            }
            let sealed = pair.public.encrypt(OaepHash::Sha256, plaintext, aad);
            sealed.map_err(|error| EngineError::Internal(error.to_string()))?
        }
        Prepared::Mac(_) | Prepared::Signing(..) => return Err(no_cipher(key)),
    };
    Ok(Sealed { ciphertext, version: version.number })
}

/// Decrypts. `version` is for RSA, whose ciphertexts do not name theirs.
pub(super) fn open(key: &HotKey, version: u32, aad: &[u8], ciphertext: &[u8]) -> Result<Opened, EngineError> {
    within("the ciphertext in bytes", ciphertext.len(), MAX_PAYLOAD + OVERHEAD)?;
    within("the associated data in bytes", aad.len(), MAX_AAD)?;
    let symmetric = !key.info().kind.is_rsa();
    let number = match Header::parse(ciphertext) {
        _ if !symmetric => version,
        Ok(header) => header.version,
        Err(_) => return Err(wrong()),
    };
    if symmetric && (number == 0 || key.info().version(number).is_err()) {
        return Err(wrong());
    }
    let version = key.version_for(Use::Decrypt, number)?;
    let plaintext = match key.prepared(version)? {
        Prepared::Envelope(envelope, _) => {
            envelope.open(&context(key), version.number, aad, ciphertext).map_err(|_| wrong())?
        }
        Prepared::Oaep(pair) => pair.private.decrypt(OaepHash::Sha256, ciphertext, aad).map_err(|_| wrong())?,
        Prepared::Mac(_) | Prepared::Signing(..) => return Err(no_cipher(key)),
    };
    Ok(Opened { plaintext, version: version.number })
}

/// Whether work on so many bytes should leave the serving thread.
pub(super) fn is_long(key: &HotKey, bytes: usize) -> bool {
    key.info().kind.is_rsa() || bytes > crate::engine::offload::SHORT
}

/// One answer for whatever is wrong, so that nobody learns what.
fn wrong() -> EngineError {
    let what = "the ciphertext does not open: it was changed, or made under another key or with other associated data";
    EngineError::Undecryptable(what.to_owned())
}

/// Not reached: what a key may be used for was checked when it was made.
fn no_cipher(key: &HotKey) -> EngineError {
    EngineError::Internal(format!("key `{}` cannot encrypt", key.info().path))
}
