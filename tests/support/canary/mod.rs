//! The whole suite is a canary: secrets in its tests are [`marked!`], everything runs with its log at trace level, and what
//! is left behind is searched for the marks in plain, base64 and hex, and for tokens: each line of a log as it is written,
//! each error as it arrives, the arguments of every process, and, when a broker or a provider of a test ends, its store,
//! its audit log and its metrics. What is found fails the tests that end after it.

mod errors;
mod forms;

use std::{
    io,
    path::Path,
    sync::{Mutex, Once, PoisonError},
    time::Duration,
};

pub use self::{errors::Watched, forms::Forms};

/// A secret to be known again wherever it shows.
macro_rules! marked {
    ($what:literal) => {
        concat!("canary-of-the-suite-", $what)
    };
}

/// In every marked secret.
pub const WORD: &str = marked!("");

/// What was found, and where.
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Begins to watch the log of this process and the arguments of all. Once is enough.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        log.with_writer(|| Log).init();
        std::thread::spawn(|| {
            loop {
                arguments();
                std::thread::sleep(Duration::from_millis(5));
            }
        });
    });
}

/// Looks for marks and tokens in what must have none.
pub fn search(what: &str, bytes: &[u8]) {
    if let Some(found) = forms().found_in(bytes) {
        let place = bytes.get(found.clone()).map(String::from_utf8_lossy).unwrap_or_default();
        FOUND.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{what} has {place:?}"));
    }
}

/// The same for every file of a folder, at any depth. A file that goes away meanwhile has nothing.
pub fn search_folder(what: &str, folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => search_folder(what, &entry.path()),
            Ok(kind) if kind.is_file() => {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                search(&format!("{what}: {}", entry.path().display()), &bytes);
            }
            _ => {}
        }
    }
}

/// Fails if anything was found by now.
pub fn nothing_found() {
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(found.is_empty(), "secrets show:\n{}", found.join("\n"));
}

fn forms() -> &'static Forms {
    static FORMS: std::sync::LazyLock<Forms> = std::sync::LazyLock::new(|| Forms::of(&[WORD]).with_tokens());
    &FORMS
}

fn arguments() {
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        // Most are gone or not ours.
        if let Ok(line) = std::fs::read(entry.path().join("cmdline")) {
            search("the arguments of a process", &line);
        }
    }
}

/// Takes each line of the log as it is written, and keeps none.
struct Log;

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        search("the log", line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
