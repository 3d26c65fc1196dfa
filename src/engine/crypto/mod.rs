//! Work with named keys. None of it changes anything stored, and none of it reads the store.

mod batch;
mod cipher;
mod data_key;
mod decrypt;
mod encrypt;
mod mac;
#[cfg(test)]
mod published;
mod random;
mod rewrap;
mod sign;
#[cfg(test)]
mod tests;
mod verify;

pub use self::{
    batch::{BatchDecrypt, BatchEncrypt, BatchOf, ToDecrypt, ToEncrypt},
    cipher::{Opened, Sealed},
    data_key::{DataKey, GenerateDataKey, GenerateHiddenDataKey},
    decrypt::Decrypt,
    encrypt::Encrypt,
    mac::{Mac, MacOf, VerifyMac},
    random::{GenerateRandom, RandomBytes},
    rewrap::{Rewrap, Rewrapped},
    sign::{Sign, Signature},
    verify::{Verified, Verify},
};
use super::EngineError;

/// The most bytes of a plaintext or message.
pub const MAX_PAYLOAD: usize = 1 << 20;
/// The most bytes of associated data.
pub const MAX_AAD: usize = 64 << 10;
/// The most items of a batch.
pub const MAX_ITEMS: usize = 1_000;

/// Refuses a payload past its limit.
fn within(what: &'static str, len: usize, limit: usize) -> Result<(), EngineError> {
    if len > limit { Err(EngineError::Limit { what, limit: limit as u64 }) } else { Ok(()) }
}

/// Names the row of an operation with the key at its `key`, and gives policies that key's attributes.
macro_rules! with_key {
    ($operation:ty = $row:path, $reply:ty, |$this:ident, $found:ident| $work:expr) => {
        with_key!($operation = $row, $reply, secrets | _none | Vec::new(), |$this, $found| $work);
    };
    (
        $operation:ty = $row:path, $reply:ty,
        secrets |$whose:ident| $secrets:expr,
        |$this:ident, $found:ident| $work:expr
    ) => {
        impl crate::method::Action for $operation {
            const METHOD: &'static crate::method::Method = &$row;
            type Resource = crate::method::KeyResource;
            fn resource(&self) -> crate::method::KeyResource {
                crate::method::KeyResource(self.key.clone())
            }
        }

        impl crate::engine::Operation for $operation {
            type Reply = $reply;

            fn attributes(
                &self,
                world: &crate::engine::World,
                tenant: crate::method::TenantId,
            ) -> crate::method::Attributes {
                world.tables.keys.attributes(tenant, &self.key)
            }

            fn secrets(&self) -> Vec<(&str, &keyward_sdk::secret::Secret)> {
                let $whose = self;
                $secrets
            }

            async fn execute(
                &self,
                permit: &crate::policy::Permit<Self>,
                world: &crate::engine::World,
            ) -> Result<crate::engine::Done<$reply>, crate::engine::EngineError> {
                let $this = self;
                let $found = world.tables.keys.find(permit.tenant(), &self.key)?;
                $work.await.map(crate::engine::Done::Answer)
            }
        }
    };
}
use with_key;
