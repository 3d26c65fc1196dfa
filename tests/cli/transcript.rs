//! What a session with the command line looks like, compared with a file that is committed.
//!
//! A line `$ keyward ..` is what was typed, `! ..` was said beside the answer, `= N` is an exit code other than 0. What is
//! never twice the same (ids, times, tokens) is replaced by its kind, in the same width where a column follows.

use std::{fmt::Write, path::PathBuf};

use crate::support::{Keyward, Ran};

/// A session as it goes on.
pub(super) struct Transcript {
    name: &'static str,
    keyward: Keyward,
    text: String,
    hidden: Vec<(String, String)>,
}

impl Transcript {
    /// Of commands that `keyward` runs, to be compared with `golden/NAME.txt`.
    pub(super) fn of(name: &'static str, keyward: Keyward) -> Self {
        let home = keyward.home().display().to_string();
        Self { name, keyward, text: String::new(), hidden: vec![(home, "<home>".to_owned())] }
    }

    /// Who types.
    pub(super) fn keyward(&self) -> &Keyward {
        &self.keyward
    }

    /// Somebody else types from now on.
    pub(super) fn changed(&mut self, change: impl FnOnce(Keyward) -> Keyward) {
        let keyward = std::mem::replace(&mut self.keyward, Keyward::alone());
        self.keyward = change(keyward);
        self.hide(&self.keyward.home().display().to_string(), "home");
    }

    /// Shows this text as its kind, wherever it is.
    pub(super) fn hide(&mut self, text: &str, kind: &str) {
        self.hidden.push((text.to_owned(), format!("<{kind}>")));
    }

    /// Runs a command with nothing on standard input.
    pub(super) fn run(&mut self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    /// Runs a line, words between blanks.
    pub(super) fn line(&mut self, line: &str) -> Ran {
        self.run(&line.split(' ').collect::<Vec<_>>())
    }

    /// Runs a command with text on standard input.
    pub(super) fn run_with(&mut self, args: &[&str], input: &str) -> Ran {
        let ran = self.keyward.run_with(args, input);
        let quoted =
            |arg: &&str| if arg.is_empty() || arg.contains(' ') { format!("'{arg}'") } else { (*arg).to_owned() };
        let typed = args.iter().map(quoted).collect::<Vec<_>>().join(" ");
        let piped = if input.is_empty() { String::new() } else { format!(" <<< '{}'", input.trim_end()) };
        writeln!(self.text, "$ keyward {typed}{piped}").unwrap();
        self.text.push_str(&ran.stdout);
        if !ran.stdout.is_empty() && !ran.stdout.ends_with('\n') {
            self.text.push('\n');
        }
        ran.stderr.lines().for_each(|line| writeln!(self.text, "! {line}").unwrap());
        if ran.code() != 0 {
            writeln!(self.text, "= {}", ran.code()).unwrap();
        }
        self.text.push('\n');
        ran
    }

    /// Compares all of it with the file. With `KEYWARD_GOLDEN=write` the file is written, and the test fails once.
    pub(super) fn matches(self) {
        let shown = plain(&self.text, &self.hidden);
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/golden/{}.txt", self.name));
        let known = std::fs::read_to_string(&file).unwrap_or_default();
        if known == shown {
            return;
        }
        if std::env::var_os("KEYWARD_GOLDEN").is_some_and(|what| what == "write") {
            std::fs::write(&file, &shown).unwrap();
            panic!("{} was written: look at what changed, and run the test again", file.display());
        }
        let mut differs = known.lines().zip(shown.lines()).enumerate().filter(|(_, (known, shown))| known != shown);
        let at = differs.next().map_or_else(|| known.lines().count().min(shown.lines().count()), |(at, _)| at);
        let around = |text: &str| text.lines().skip(at.saturating_sub(6)).take(14).collect::<Vec<_>>().join("\n");
        let (known, now) = (around(&known), around(&shown));
        panic!("{}.txt, line {}, has\n{known}\n\nand now it is\n{now}\n", self.name, at + 1);
    }
}

/// The text without what is never twice the same.
fn plain(text: &str, hidden: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut in_pem = false;
    for line in text.lines() {
        if line.contains("-----BEGIN ") {
            in_pem = true;
            out.push_str(line);
            out.push_str("\n<base64>\n");
        }
        if !in_pem {
            let mut line = line.to_owned();
            for (text, kind) in hidden {
                line = swap(&line, text, kind);
            }
            out.push_str(words(&line).trim_end());
            out.push('\n');
        } else if line.contains("-----END ") {
            in_pem = false;
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Replaces one text, in the same width where a column follows.
fn swap(line: &str, text: &str, kind: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(text).filter(|_| !text.is_empty()) {
        out.push_str(before);
        out.push_str(kind);
        if after.starts_with("  ") {
            out.extend(std::iter::repeat_n(' ', text.len().saturating_sub(kind.len())));
        }
        rest = after;
    }
    out + rest
}

/// Replaces every word that is an id, a time or a token.
fn words(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.:+/-".contains(c);
    let mut out = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if !is_part(first) {
            // The padding of base64 goes with it.
            if !(first == '=' && (out.ends_with("<base64>") || out.ends_with("<base64>="))) {
                out.push(first);
            }
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (run, after) = rest.split_at(rest.find(|c| !is_part(c)).unwrap_or(rest.len()));
        let word = run.trim_end_matches(['.', ':']);
        match kind(word) {
            Some(kind) => {
                out.push_str(kind);
                out.push_str(&run[word.len()..]);
                if after.starts_with("  ") {
                    out.extend(std::iter::repeat_n(' ', word.len().saturating_sub(kind.len())));
                }
            }
            None => out.push_str(run),
        }
        rest = after;
    }
    out
}

fn kind(word: &str) -> Option<&'static str> {
    let all = |is: fn(u8) -> bool| word.bytes().all(is);
    let any = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    if word.len() >= 20 && word.ends_with('Z') && word.as_bytes()[4] == b'-' && word.as_bytes()[10] == b'T' {
        return Some("<time>");
    }
    if let Some(prefix) = ["kw1.", "kwb1.", "kwj1."].into_iter().find(|prefix| word.starts_with(prefix)) {
        return Some(if word[prefix.len()..].contains('.') { "<key id>" } else { "<token>" });
    }
    if word.len() >= 16 && all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')) {
        return Some("<hex>");
    }
    if word.len() == 26 && all(|b| b.is_ascii_lowercase() || matches!(b, b'2'..=b'7')) {
        return Some("<id>");
    }
    let base64 = all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
    let mixed = any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase);
    (word.len() >= 40 && base64 && mixed).then_some("<base64>")
}

#[test]
fn what_is_never_twice_the_same_is_replaced_in_its_width_and_the_rest_is_not() {
    let hidden = [("/tmp/x".to_owned(), "<home>".to_owned())];
    let text = "id  00112233445566778899aabbccddeeff  primary\n\
                at 2026-11-26T01:56:55.123Z; in /tmp/x/seal.key\n\
                c  QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZn==\n\
                app/db  kw1.0011223344556677.0011223344556677.1.0011223344556677\n";
    let expected =
        "id  <hex>                             primary\nat <time>; in <home>/seal.key\nc  <base64>\napp/db  <key id>\n";
    assert_eq!(plain(text, &hidden), expected);
}
