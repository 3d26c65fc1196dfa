//! Proofs of having been recorded. Private fields; made by [`super::Audit`] only.

use std::sync::Arc;

/// Proof that what is about to be done is in the log.
///
/// ```compile_fail
/// // Only audit makes intents.
/// let forged = keyward::audit::Intent { sequence: Some(0), origin: "".into() };
/// ```
#[must_use = "an intent without an outcome means that nobody knows what came of it"]
#[derive(Debug)]
pub struct Intent {
    pub(in crate::audit) sequence: Option<u64>,
    pub(in crate::audit) origin: Arc<str>,
}

impl Intent {
    /// The record's place in the log; the largest number when only sinks without places took it.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence.unwrap_or(u64::MAX)
    }

    /// The log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// Proof that what came of a request is in the log. Turns a reply into one that may leave.
///
/// ```compile_fail
/// // Only audit makes these.
/// let forged = keyward::audit::Taken { sequence: None };
/// ```
///
/// ```compile_fail
/// // One proof is for one reply.
/// fn twice(taken: keyward::audit::Taken) {
///     let _ = taken.with(1);
///     let _ = taken.with(2);
/// }
/// ```
#[must_use = "what is recorded may now be answered"]
#[derive(Debug)]
pub struct Taken {
    pub(in crate::audit) sequence: Option<u64>,
}

impl Taken {
    /// The reply that may leave now.
    pub fn with<R>(self, reply: R) -> Recorded<R> {
        Recorded { reply }
    }

    /// The record's place in the log, where a sink with places took it.
    #[must_use]
    pub fn sequence(&self) -> Option<u64> {
        self.sequence
    }
}

/// A reply that is recorded and may leave.
///
/// ```compile_fail
/// // No reply leaves unrecorded.
/// let forged = keyward::audit::Recorded { reply: () };
/// ```
#[must_use = "a recorded reply is there to be sent"]
#[derive(Debug)]
pub struct Recorded<R> {
    reply: R,
}

impl<R> Recorded<R> {
    /// The reply.
    pub fn into_reply(self) -> R {
        self.reply
    }
}
