//! A key derived from a passphrase with argon2id.
//!
//! Every blob carries its salt and cost, so the cost can be raised later and old blobs still open. A blob comes from
//! storage, which is not trusted: its cost is bounded before any memory is taken.

mod derive;
#[cfg(test)]
mod tests;

pub use derive::Cost;

use std::sync::Arc;

use async_trait::async_trait;
use keyward_sdk::{
    crypto::random,
    envelope::{Context, EnvelopeKey, OVERHEAD},
    secret::{Secret, SecretString},
    wrapper::{
        BuiltIn, Capabilities, Description, Fault, KeyWrapper, Opening, SettingKey, Settings, WrapError, Wrapped,
    },
};
use tokio::sync::Semaphore;

use crate::MAX_PLAINTEXT;
use derive::Recipe;

const KIND: &str = "passphrase";
const PURPOSE: &str = "kms-soft passphrase";
/// Six words of a list, or sixteen random letters; enforced where something new is wrapped.
const MIN_PASSPHRASE: usize = 16;

pub(crate) const BUILT_IN: BuiltIn = BuiltIn {
    kind: KIND,
    keys: &[SettingKey {
        name: "passphrase",
        required: true,
        secret: true,
        help: "the passphrase, at least 16 characters, by reference; white space around it is ignored",
    }],
    open,
};

fn open(settings: &Settings) -> Opening<'_> {
    Box::pin(async move {
        let text = settings.require_secret(KIND, "passphrase")?.expose().trim().to_owned();
        let text = SecretString::new(text)
            .map_err(|error| WrapError::new(Fault::Settings, KIND, &settings.member, error.to_string()))?;
        Ok(Arc::new(Passphrase::new(&settings.member, text)) as Arc<dyn KeyWrapper>)
    })
}

/// One derivation at a time in the whole process: each takes up to [`Cost::MAX_MEMORY_KIB`] of memory.
static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// Wraps under a key derived from a passphrase.
#[derive(Debug)]
pub struct Passphrase {
    name: String,
    text: Arc<SecretString>,
    cost: Cost,
}

impl Passphrase {
    /// The passphrase of the member called `name`.
    #[must_use]
    pub fn new(name: impl Into<String>, text: SecretString) -> Self {
        Self { name: name.into(), text: Arc::new(text), cost: Cost::DEFAULT }
    }

    /// The same, at another cost for what is wrapped from now on.
    #[must_use]
    pub fn at_cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }

    async fn key(&self, recipe: Recipe) -> Result<EnvelopeKey, WrapError> {
        let stopping = || self.fail(Fault::Timeout, "deriving the key was given up, since the process is stopping");
        let turn = ONE_AT_A_TIME.acquire().await.map_err(|_| stopping())?;
        let text = Arc::clone(&self.text);
        let derived = tokio::task::spawn_blocking(move || {
            let _turn = turn; // held by the work itself: a caller that gives up does not let the next one in too early
            recipe.derive(&text)
        });
        let derived = derived.await.map_err(|_| stopping())?;
        derived.map(|key| EnvelopeKey::new(&key)).map_err(|why| self.fail(Fault::Input, why))
    }

    fn fail(&self, fault: Fault, detail: impl Into<String>) -> WrapError {
        WrapError::new(fault, KIND, &self.name, detail)
    }
}

const CONTEXT: Context<'static> = Context { purpose: PURPOSE, tenant: [0; 16], key_id: b"" };

#[async_trait]
impl KeyWrapper for Passphrase {
    fn describe(&self) -> Description {
        Description {
            kind: KIND,
            key: self.name.clone(),
            region: None,
            capabilities: Capabilities {
                max_plaintext: MAX_PLAINTEXT,
                empty_plaintext: true,
                hardware_bound: false,
                interactive: false,
            },
        }
    }

    async fn wrap(&self, plaintext: &Secret, aad: &[u8]) -> Result<Wrapped, WrapError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(self.fail(Fault::Input, format!("at most {MAX_PLAINTEXT} bytes can be wrapped")));
        }
        if self.text.expose().chars().count() < MIN_PASSPHRASE {
            let detail = format!("the passphrase is shorter than {MIN_PASSPHRASE} characters: choose a longer one");
            return Err(self.fail(Fault::Settings, detail));
        }
        let recipe = Recipe { cost: self.cost, salt: random::array() };
        let mut blob = recipe.encode();
        let key = self.key(recipe).await?;
        let sealed = key.seal(&CONTEXT, 1, aad, plaintext.expose());
        blob.extend_from_slice(&sealed.map_err(|error| self.fail(Fault::Input, error.to_string()))?);
        Wrapped::new(KIND, &self.name, blob).map_err(|error| self.fail(Fault::Input, error.to_string()))
    }

    async fn unwrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Secret, WrapError> {
        if wrapped.kind() != KIND {
            return Err(self.fail(Fault::ForeignBlob, "it was wrapped by another kind of backend"));
        }
        let (recipe, sealed) = Recipe::parse(wrapped.blob()).map_err(|why| self.fail(Fault::Integrity, why))?;
        if sealed.len() < OVERHEAD || sealed.len() > MAX_PLAINTEXT + OVERHEAD {
            return Err(self.fail(Fault::Integrity, "it is not of a length that anything wrapped here has"));
        }
        let key = self.key(recipe).await?;
        let opened = key.open(&CONTEXT, 1, aad, sealed);
        // Which of the two it is cannot be told, and must not be: the passphrase could be guessed by asking.
        opened.map_err(|_| {
            self.fail(Fault::Integrity, "the passphrase is not the one it was wrapped with, or it was changed")
        })
    }

    async fn health(&self) -> Result<(), WrapError> {
        Ok(()) // nothing outside is asked
    }
}
