//! The seal against members that lie, die or are swapped, and people who mistype.

mod change;
mod commit;
mod create;
mod drill;
mod open;
mod progress;
mod prove;
mod record;
mod vectors;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use keyward_sdk::{
    crypto::digest::sha256,
    envelope::{Context, EnvelopeKey},
    secret::{Key32, Secret},
    time::{ManualClock, Timestamp},
    wrapper::{Capabilities, Description, Fault, KeyWrapper, WrapError, Wrapped},
};

use super::{Connect, How, Made, Name, NewMember, NewPath, SealRecord, Who, create::create};

const SOON: Duration = Duration::from_millis(200);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// How a fake backend behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Well,
    /// Says no.
    Dead,
    /// Says nothing, ever.
    Silent,
    /// Gives other bytes than it was given.
    Lying,
}

/// Backends with a key each, by the setting `key`.
#[derive(Clone, Default)]
struct Cloud {
    moods: Arc<Mutex<HashMap<String, Mood>>>,
}

impl Cloud {
    fn set(&self, key: &str, mood: Mood) {
        self.moods.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), mood);
    }

    fn how<'a>(&'a self, clock: &'a ManualClock) -> How<'a> {
        How { connect: self, clock, member_timeout: SOON, pin: None }
    }

    async fn made(&self, paths: &[NewPath]) -> Made {
        create(paths, self, now(), SOON).await.unwrap()
    }

    fn backend(&self, key: &str) -> Backend {
        Backend { key: key.to_owned(), cloud: self.clone() }
    }
}

#[async_trait]
impl Connect for Cloud {
    async fn connect(
        &self,
        _member: &Name,
        _kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Arc<dyn KeyWrapper>, WrapError> {
        Ok(Arc::new(self.backend(&settings["key"])))
    }
}

struct Backend {
    key: String,
    cloud: Cloud,
}

impl Backend {
    async fn mood(&self) -> Result<Mood, WrapError> {
        let mood = {
            let moods = self.cloud.moods.lock().unwrap_or_else(PoisonError::into_inner);
            moods.get(&self.key).copied().unwrap_or_default()
        };
        match mood {
            Mood::Dead => Err(WrapError::new(Fault::Network, "fake", &self.key, "connection refused")),
            Mood::Silent => std::future::pending().await,
            Mood::Lying | Mood::Well => Ok(mood),
        }
    }

    fn envelope(&self) -> EnvelopeKey {
        EnvelopeKey::new(&Key32::copy_of(&sha256(self.key.as_bytes())))
    }
}

const CONTEXT: Context<'static> = Context { purpose: "fake", tenant: [0; 16], key_id: b"" };

#[async_trait]
impl KeyWrapper for Backend {
    fn describe(&self) -> Description {
        let capabilities =
            Capabilities { max_plaintext: 4096, empty_plaintext: true, hardware_bound: false, interactive: false };
        Description { kind: "fake", key: self.key.clone(), region: None, capabilities }
    }

    async fn wrap(&self, plaintext: &Secret, aad: &[u8]) -> Result<Wrapped, WrapError> {
        self.mood().await?;
        let blob = self.envelope().seal(&CONTEXT, 1, aad, plaintext.expose()).unwrap();
        Ok(Wrapped::new("fake", &self.key, blob).unwrap())
    }

    async fn unwrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Secret, WrapError> {
        let mood = self.mood().await?;
        let opened = self.envelope().open(&CONTEXT, 1, aad, wrapped.blob());
        let opened = opened.map_err(|error| WrapError::new(Fault::Integrity, "fake", &self.key, error.to_string()))?;
        if mood == Mood::Lying {
            return Ok(Secret::random(opened.len()));
        }
        Ok(opened)
    }

    async fn health(&self) -> Result<(), WrapError> {
        self.mood().await.map(drop)
    }
}

fn key_member(called: &str, key: &str) -> NewMember {
    let settings = BTreeMap::from([("key".to_owned(), key.to_owned())]);
    NewMember { name: name(called), who: Who::Wrapper { kind: "fake".to_owned(), settings } }
}

fn person(called: &str) -> NewMember {
    NewMember { name: name(called), who: Who::Person { label: format!("{called} of the night shift") } }
}

/// Any 2 of three clouds.
fn clouds() -> NewPath {
    let members = ["aws", "gcp", "azure"].map(|one| key_member(one, one)).to_vec();
    NewPath { name: name("clouds"), k: 2, members }
}

/// Any 3 of five people.
fn people() -> NewPath {
    let members = ["ann", "ben", "cleo", "dan", "eve"].map(person).to_vec();
    NewPath { name: name("people"), k: 3, members }
}

/// Both paths, with the clouds behind them.
async fn both() -> (Cloud, Made) {
    let cloud = Cloud::default();
    let made = cloud.made(&[clouds(), people()]).await;
    (cloud, made)
}

/// As a restart reads it.
fn reread(record: &SealRecord) -> SealRecord {
    SealRecord::parse(&record.encode().unwrap()).unwrap()
}
