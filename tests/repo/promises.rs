//! What is promised is shown: docs/promises.toml names tests that exist.

use serde::Deserialize;

use super::{read, root, shown::Tests};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    promise: Vec<Promise>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Promise {
    text: String,
    #[allow(dead_code, reason = "for those who read the page")]
    area: String,
    state: State,
    #[serde(default)]
    tests: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum State {
    Kept,
    Open,
    Partly,
}

#[test]
fn every_promise_is_shown_by_tests_that_exist() {
    let page: Page = toml::from_str(&read("docs/promises.toml")).unwrap();
    let tests = Tests::of_the_repository();
    let mut wrong = Vec::new();
    for promise in &page.promise {
        if promise.state == State::Kept && promise.tests.is_empty() {
            wrong.push(format!("kept, and no test shows it: {}", promise.text));
        }
        for test in &promise.tests {
            let is_file = test.contains('/') && root().join(test.split(' ').next().unwrap()).exists();
            let command = test.starts_with("make ") || test.starts_with("cargo ");
            if !is_file && !command && !tests.have(test) {
                wrong.push(format!("{test} is no test: {}", promise.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is defended, and what is not, names the test that shows it.
#[test]
fn the_tests_in_threats_exist() {
    let text = read("THREATS.md");
    let tests = Tests::of_the_repository();
    let mut named = 0;
    for word in text.split('`').skip(1).step_by(2) {
        let plain = word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !plain || word.matches('_').count() < 2 {
            continue;
        }
        named += 1;
        assert!(tests.have(word), "THREATS.md names {word}, which is no test");
    }
    assert!(named > 20, "THREATS.md names {named} tests only");
}
