//! The suite tried on wrappers that break one promise each: a suite that finds nothing would be worth nothing.

use std::{panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;

use super::*;
use crate::{
    envelope::{Context, EnvelopeKey},
    secret::Key32,
    wrapper::Description,
};

/// Which promise is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaks {
    Nothing,
    BindsNoAssociatedData,
    CutsAssociatedData,
    GivesOneBlobForOneSecret,
    LosesEmpty,
    MixesUpCalls,
    NamesAnotherKind,
    SaysNothingOfTheKey,
    ShowsThePlaintext,
    SwallowsTheTail,
    TakesAnyKind,
    TakesTooMuch,
    TalksOfTheSecret,
}

const ALL: [Breaks; 12] = [
    Breaks::BindsNoAssociatedData,
    Breaks::CutsAssociatedData,
    Breaks::GivesOneBlobForOneSecret,
    Breaks::LosesEmpty,
    Breaks::MixesUpCalls,
    Breaks::NamesAnotherKind,
    Breaks::SaysNothingOfTheKey,
    Breaks::ShowsThePlaintext,
    Breaks::SwallowsTheTail,
    Breaks::TakesAnyKind,
    Breaks::TakesTooMuch,
    Breaks::TalksOfTheSecret,
];

struct Sample {
    key: EnvelopeKey,
    breaks: Breaks,
    last: std::sync::Mutex<Vec<u8>>,
}

fn sample(key: &Key32, breaks: Breaks) -> Sample {
    Sample { key: EnvelopeKey::new(key), breaks, last: std::sync::Mutex::new(Vec::new()) }
}

const CONTEXT: Context<'static> = Context { purpose: "sample", tenant: [0; 16], key_id: b"" };

impl Sample {
    fn aad<'a>(&self, aad: &'a [u8]) -> &'a [u8] {
        match self.breaks {
            Breaks::BindsNoAssociatedData => b"",
            Breaks::CutsAssociatedData => &aad[..aad.len().min(4)],
            _ => aad,
        }
    }

    fn fail(&self, fault: Fault, detail: &str) -> WrapError {
        let key = if self.breaks == Breaks::SaysNothingOfTheKey { "" } else { "sample key" };
        WrapError::new(fault, "sample", key, detail)
    }
}

#[async_trait]
impl KeyWrapper for Sample {
    fn describe(&self) -> Description {
        let kind = if self.breaks == Breaks::NamesAnotherKind { "simple" } else { "sample" };
        let capabilities = Expect::ALL.capabilities();
        Description { kind, key: "sample key".to_owned(), region: None, capabilities }
    }

    async fn wrap(&self, plaintext: &Secret, aad: &[u8]) -> Result<Wrapped, WrapError> {
        let max = if self.breaks == Breaks::TakesTooMuch { 70_000 } else { 65_536 };
        if plaintext.len() > max || (self.breaks == Breaks::LosesEmpty && plaintext.is_empty()) {
            return Err(self.fail(Fault::Input, "too long"));
        }
        let mut blob = self.key.seal(&CONTEXT, 1, self.aad(aad), plaintext.expose()).unwrap();
        let mut last = self.last.lock().unwrap();
        match self.breaks {
            Breaks::ShowsThePlaintext => blob.extend_from_slice(plaintext.expose()),
            Breaks::GivesOneBlobForOneSecret if aad == b"again" && !last.is_empty() => blob = last.clone(),
            _ => {}
        }
        last.clone_from(&blob);
        Ok(Wrapped::new("sample", "sample key", blob).unwrap())
    }

    async fn unwrap(&self, wrapped: &Wrapped, aad: &[u8]) -> Result<Secret, WrapError> {
        if wrapped.kind() != "sample" && self.breaks != Breaks::TakesAnyKind {
            return Err(self.fail(Fault::ForeignBlob, "another kind"));
        }
        tokio::task::yield_now().await;
        let blob = match self.breaks {
            Breaks::MixesUpCalls => self.last.lock().unwrap().clone(),
            Breaks::ShowsThePlaintext => wrapped.blob()[..85 + (wrapped.blob().len() - 85) / 2].to_vec(),
            Breaks::SwallowsTheTail => {
                let blob = wrapped.blob();
                if blob.last() == Some(&0) { blob[..blob.len() - 1].to_vec() } else { blob.to_vec() }
            }
            _ => wrapped.blob().to_vec(),
        };
        self.key.open(&CONTEXT, 1, self.aad(aad), &blob).map_err(|error| match self.breaks {
            Breaks::TalksOfTheSecret => {
                let told = self.key.open(&CONTEXT, 1, b"installation/path/1", &blob);
                let told = told.map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
                self.fail(Fault::Integrity, &told.unwrap_or_default())
            }
            _ => self.fail(Fault::Integrity, &error.to_string()),
        })
    }

    async fn health(&self) -> Result<(), WrapError> {
        Ok(())
    }
}

async fn tried(breaks: Breaks) {
    let (ours, theirs) = (Key32::random(), Key32::random());
    let expect = Expect { kind: "sample", ..Expect::ALL };
    run(|| async { sample(&ours, breaks) }, || async { sample(&theirs, breaks) }, expect).await;
}

fn passes(breaks: Breaks) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(tried(breaks)))).is_ok()
}

#[test]
fn a_wrapper_that_keeps_every_promise_passes() {
    assert!(passes(Breaks::Nothing));
}

#[test]
fn each_broken_promise_is_found() {
    for breaks in ALL {
        assert!(!passes(breaks), "{breaks:?} was not found");
    }
}

/// Takes calls and never answers; gives up by itself only if told to.
struct Silent(Option<Arc<Sample>>);

impl Silent {
    async fn wait<T>(&self) -> Result<T, WrapError> {
        match &self.0 {
            Some(sample) => Err(sample.fail(Fault::Timeout, "no answer")),
            None => std::future::pending().await,
        }
    }
}

#[async_trait]
impl KeyWrapper for Silent {
    fn describe(&self) -> Description {
        sample(&Key32::random(), Breaks::Nothing).describe()
    }

    async fn wrap(&self, _: &Secret, _: &[u8]) -> Result<Wrapped, WrapError> {
        self.wait().await
    }

    async fn unwrap(&self, _: &Wrapped, _: &[u8]) -> Result<Secret, WrapError> {
        self.wait().await
    }

    async fn health(&self) -> Result<(), WrapError> {
        self.wait().await
    }
}

#[test]
fn a_backend_that_never_answers_is_given_up() {
    let wrapped = Wrapped::new("sample", "sample key", vec![1]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let limit = Duration::from_millis(50);
    let polite = Silent(Some(Arc::new(sample(&Key32::random(), Breaks::Nothing))));
    runtime.block_on(stalled(polite, &wrapped, limit));
    let hangs = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(stalled(Silent(None), &wrapped, limit))));
    assert!(hangs.is_err());
}
