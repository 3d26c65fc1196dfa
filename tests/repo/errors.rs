//! Messages of errors are one clause in lower case: they are joined with colons.

use super::{is_test, read, rust};

/// Words that are written with a capital wherever they stand.
const NAMES: &[&str] =
    &["TLS", "SPIFFE", "PEM", "JSON", "JWT", "OIDC", "Cedar", "Kubernetes", "KEYWARD", "DER", "RSA", "UTF"];

#[test]
fn messages_start_small_and_end_without_a_full_stop() {
    let mut wrong = Vec::new();
    for file in rust().into_iter().filter(|file| !is_test(file)) {
        let text = read(&file);
        for (at, _) in text.match_indices("#[error(\"") {
            let rest = &text[at + 9..];
            let end = rest.char_indices().find(|(i, c)| *c == '"' && !rest[..*i].ends_with('\\')).unwrap().0;
            let message = &rest[..end];
            let capital =
                message.starts_with(char::is_uppercase) && !NAMES.iter().any(|name| message.starts_with(name));
            if capital || message.ends_with('.') || message.ends_with('!') {
                wrong.push(format!("{file}: {message}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
