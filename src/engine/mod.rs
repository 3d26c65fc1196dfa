//! The work: one folder an engine, one file an operation.
//!
//! An operation gets a [`Permit`] for exactly itself, so it cannot run without having been authorized. It changes
//! nothing by itself: it says in [`Done::Change`] what is to be stored, and the pipeline commits that together with the
//! outcome for the audit log and the reply for retries. When the commit meets a conflict, the operation is run again.

pub mod audit;
pub mod auth;
pub mod backup;
pub mod bootstrap;
pub mod certificate;
pub mod cluster;
mod connection;
pub mod crypto;
mod dev;
mod error;
pub mod housekeeping;
pub mod issuer;
pub mod key;
mod lifecycle;
pub mod node;
pub mod offload;
mod page;
pub mod policy;
mod refresh;
mod register;
mod reply;
pub mod role;
pub mod secret;
mod settled;
mod stream;
pub mod system;
pub mod tenant;
mod world;

use std::future::Future;

use keyward_sdk::secret::Secret;

pub use self::{
    connection::Connection,
    dev::{DevToken, dev_token},
    error::{EngineError, RoleAsked},
    lifecycle::{Lifecycle, Parts, SealState, is_own_user, site},
    page::{MAX_PAGE, Page, PageRequest},
    reply::{Keep, Kept, Reply},
    stream::Source,
    system::SealedOperation,
    world::{Tables, World},
};
use crate::{
    keyring::Changes,
    method::{Action, Attributes},
    policy::Permit,
};

/// What an operation came to.
pub enum Done<R> {
    /// Nothing is to be stored.
    Answer(R),
    /// This is to be stored, and then the reply holds.
    Change(Changes, R),
}

/// A request that can be carried out.
pub trait Operation: Action {
    /// What the caller gets.
    type Reply: Reply;

    /// The attributes of the resource that policies can read. They are part of the decision, so they must come from the
    /// hot control state only.
    fn attributes(&self, _world: &World, _tenant: crate::method::TenantId) -> Attributes {
        Attributes::new()
    }

    /// The secret values that the request brings, by name: the audit record has their keyed hashes.
    fn secrets(&self) -> Vec<(&str, &Secret)> {
        Vec::new()
    }

    /// Told before it is run what the connection proves. For logins.
    fn connected(&mut self, _connection: &Connection) {}

    /// Looks at what the request itself must prove, before anything of it is recorded. For what strangers may send: join
    /// tokens, bootstrap tokens, certificates to renew.
    ///
    /// # Errors
    /// As [`Self::execute`] would.
    fn prove(&self, _world: &World) -> Result<(), EngineError> {
        Ok(())
    }

    /// Whether it must be possible when the disk of the audit log is full, beyond what revokes, seals and suspends.
    fn is_urgent(&self) -> bool {
        false
    }

    /// Carries it out. May be called again after a conflict, and must not change anything by itself.
    fn execute(
        &self,
        permit: &Permit<Self>,
        world: &World,
    ) -> impl Future<Output = Result<Done<Self::Reply>, EngineError>> + Send
    where
        Self: Sized;
}
