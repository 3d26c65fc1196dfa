//! What others know of the logs.

/// What is known of one log from elsewhere: from the register, a witness, or a file that someone kept.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Known {
    /// The log's name.
    pub origin: String,
    /// The public key of its checkpoints, as text.
    pub verifier: Option<String>,
    /// Signed checkpoints of it.
    pub checkpoints: Vec<String>,
}

/// What is known of all logs that should be there.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Expected {
    /// Each of them. None at all means that nothing is known.
    pub logs: Vec<Known>,
    /// Names of logs whose files are known to be gone.
    pub given_up: Vec<String>,
}

impl Expected {
    pub(super) fn of(&self, origin: &str) -> Option<&Known> {
        self.logs.iter().find(|known| known.origin == origin)
    }
}
