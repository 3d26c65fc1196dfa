//! Station: what is asked is recorded before it is done, and what came of it before the reply leaves.
//!
//! [`Audit`] makes [`Recorded`]s and nothing else does; without one no reply leaves. It knows what to record from an
//! [`Entry`] that the pipeline fills, not from callers or permits. The log itself is `keyward_kit::audit`. [`verify`] is
//! the offline part, and all that the client without a server has.

#[cfg(feature = "server")]
mod attach;
#[cfg(feature = "server")]
mod checkpoints;
#[cfg(feature = "server")]
mod entry;
#[cfg(feature = "server")]
mod error;
#[cfg(all(test, feature = "server"))]
mod faulty;
#[cfg(feature = "server")]
mod hash;
#[cfg(feature = "server")]
mod heads;
#[cfg(feature = "server")]
mod noise;
#[cfg(feature = "server")]
mod recorded;
#[cfg(feature = "server")]
mod show;
#[cfg(feature = "server")]
mod sink;
#[cfg(feature = "server")]
mod station;
#[cfg(all(test, feature = "server"))]
mod tests;
pub mod verify;
#[cfg(feature = "server")]
mod witness;

#[cfg(all(test, feature = "server"))]
pub(crate) use self::faulty::{Faults, FaultyDisk};
#[cfg(feature = "server")]
pub use self::{
    attach::{Attached, Register, RegisterError, RegisteredLog},
    entry::{Entry, Failure, Who},
    error::AuditError,
    hash::SecretHasher,
    recorded::{Intent, Recorded, Taken},
    show::{MAX_TAILS, Shown, Tail},
    sink::{Sink, Taking},
    station::{Audit, Settings},
    witness::{ForWitness, WitnessId},
};
