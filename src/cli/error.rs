//! What went wrong, for people and for scripts.

use std::{borrow::Cow, fmt, process::ExitCode};

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// An error of a command.
#[derive(Debug)]
pub enum CliError {
    /// The broker refused.
    Refused(Box<Status>),
    /// The broker cannot be reached.
    Unreachable {
        /// Where it was looked for.
        addr: String,
        /// Why not.
        why: String,
    },
    /// The command was used wrongly.
    Usage(String),
    /// Anything on this machine.
    Other {
        /// What was being done.
        doing: String,
        /// What is wrong.
        why: String,
    },
    /// One of the others, with what was being done.
    While {
        /// What was being done.
        doing: String,
        /// What to do next, where more is known than the reason alone says.
        next: Option<String>,
        /// What went wrong.
        cause: Box<Self>,
    },
}

impl CliError {
    /// Wrong use.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Something on this machine.
    pub fn other(doing: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::Other { doing: doing.into(), why: why.to_string() }
    }

    /// A secret that was read has no such field.
    pub fn no_field<'a>(path: &str, name: &str, fields: impl Iterator<Item = &'a String>) -> Self {
        let mut names: Vec<&str> = fields.map(String::as_str).collect();
        names.sort_unstable();
        let status = Status::not_found(format!("there is no field `{name}`; the fields are {}", names.join(", ")));
        Self::from(status).while_doing(format!("reading `{path}`"), None)
    }

    /// The same, with what was being done, and what to do next if more is known than the reason alone says.
    #[must_use]
    pub fn while_doing(self, doing: impl Into<String>, next: Option<String>) -> Self {
        Self::While { doing: doing.into(), next, cause: Box::new(self) }
    }

    /// The fixed reason of a refusal, e.g. `SEALED`.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Refused(status) => status.get_details_error_info().map(|info| info.reason),
            Self::While { cause, .. } => cause.reason(),
            _ => None,
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn next_step(&self) -> Option<Cow<'_, str>> {
        if let Self::While { next: Some(next), .. } = self {
            return Some(next.into());
        }
        let step = match self.reason()?.as_str() {
            "NO_TOKEN" | "TOKEN_EXPIRED" | "TOKEN_REVOKED" => "log in with `keyward login`, or set KEYWARD_TOKEN",
            "TOKEN_NOT_BOUND" => "use the token where it was issued, or log in here",
            "DENIED" => "ask an operator which policy applies: `keyward policy explain` shows it",
            "SEALED" => "an operator unseals it with `keyward operator unseal`",
            "AUDIT_UNAVAILABLE" => "look at the disk of the broker's audit folder; it recovers by itself",
            _ => return None,
        };
        Some(step.into())
    }

    /// See `keyward --help`.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        match self {
            Self::While { cause, .. } => cause.code(),
            Self::Usage(_) => 2,
            Self::Unreachable { .. } => 5,
            Self::Other { .. } => 1,
            Self::Refused(status) => match status.code() {
                Code::InvalidArgument => 2,
                Code::Unauthenticated | Code::PermissionDenied => 3,
                Code::NotFound => 4,
                Code::Unavailable | Code::DeadlineExceeded => 5,
                Code::Aborted | Code::AlreadyExists => 6,
                _ => 1,
            },
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => f.write_str(status.message()),
            Self::Unreachable { addr, why } => write!(f, "the broker at {addr} cannot be reached: {why}"),
            Self::Usage(text) => f.write_str(text),
            Self::Other { doing, why } => write!(f, "{doing}: {why}"),
            Self::While { doing, cause, .. } => write!(f, "{doing}: {cause}"),
        }
    }
}

impl std::error::Error for CliError {}

impl From<Status> for CliError {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}
