//! The stand-in for a CI system that vouches for its jobs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use keyward_sdk::time::{Clock as _, SystemClock};
use keyward_testbed::CiTokens;
use serde_json::json;

/// A running issuer.
pub(crate) struct Issuer {
    tokens: CiTokens,
    jwks: PathBuf,
}

impl Issuer {
    /// Whom its tokens are for.
    pub(crate) const AUDIENCE: &str = "https://keyward.bench";
    /// How long its tokens, and those that they are exchanged for, live: longer than any run.
    pub(crate) const LIFE: Duration = Duration::from_hours(24);

    /// Starts it.
    pub(crate) async fn start(folder: &Path) -> Self {
        let tokens = CiTokens::start().await;
        let jwks = folder.join("jwks.json");
        fs::write(&jwks, tokens.jwks().to_string()).expect("the file can be written");
        Self { tokens, jwks }
    }

    /// Its keys.
    pub(crate) fn jwks_file(&self) -> PathBuf {
        self.jwks.clone()
    }

    /// What its tokens say it is, to those who believe it in that way.
    pub(crate) fn iss(&self, believed: Believed) -> String {
        format!("{}/{}", self.tokens.issuer(), believed.name())
    }

    /// A new token of a job of `acme/shop`.
    pub(crate) fn token(&self, believed: Believed) -> String {
        let expires = SystemClock.now().as_secs() + Self::LIFE.as_secs() - 60;
        self.tokens.github(json!({ "iss": self.iss(believed), "aud": Self::AUDIENCE, "exp": expires }))
    }
}

/// Which claims the broker takes over from a job's token. They make up most of its own tokens, which come with each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Believed {
    /// The one that the policies here read.
    One,
    /// All that `keyward issuer add --preset github` declares.
    All,
}

impl Believed {
    /// The issuer's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::One => "ci",
            Self::All => "github",
        }
    }

    /// What `keyward issuer add` is told of it.
    pub(super) fn options(self) -> [&'static str; 2] {
        match self {
            Self::One => ["--claim", "repository=text"],
            Self::All => ["--preset", "github"],
        }
    }
}
