//! What an OIDC token says of its job, for errors that help. Nothing is checked here: the broker does that.

use data_encoding::BASE64URL_NOPAD;
use keyward_sdk::secret::SecretString;
use serde_json::Value;

/// The longest text that is shown of a claim.
const MOST: usize = 200;

/// Names, none of them secret: CI systems print them on their pages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: String,
}

impl Says {
    /// Reads them. What is not there stays empty.
    pub(super) fn of(token: &SecretString) -> Self {
        let payload = token.expose().split('.').nth(1).and_then(|part| BASE64URL_NOPAD.decode(part.as_bytes()).ok());
        let claims: Value = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let text = |name: &str| claims.get(name).map(shown).unwrap_or_default();
        Self { iss: text("iss"), sub: text("sub"), aud: text("aud") }
    }

    /// What to do about a refused login.
    pub(super) fn next_step(&self, reason: &str, role: &str) -> Option<String> {
        let Self { iss, sub, aud } = self;
        Some(match reason {
            "DENIED" => format!(
                "the job's identity is believed (issuer {iss}, subject {sub}), but no policy lets it take the role `{role}`, or \
                 there is no such role; an operator sees why with `keyward policy explain assume {role} --issuer NAME \
                 --subject {} --claim NAME=TEXT`",
                quoted(sub)
            ),
            "ISSUER_UNKNOWN" => {
                format!(
                    "the token is from {iss}; an operator makes it known with `keyward issuer add NAME --iss {iss} --audience {aud}`"
                )
            }
            "ID_TOKEN_AUDIENCE" => format!(
                "the token is for the audience {aud}: ask for the one that the issuer's settings name with `--audience` (GitHub) or \
                 `aud` in the job's settings (GitLab, Jenkins), or have an operator add this one"
            ),
            "ID_TOKEN_EXPIRED" | "OIDC_TOKEN_USED" => {
                "the CI made this token too long ago or it was used: run the job again".to_owned()
            }
            "ISSUER_KEYS_UNAVAILABLE" => {
                format!(
                    "the broker must reach {iss}; an operator sees what is wrong with `keyward issuer list` and `get`"
                )
            }
            _ => return None,
        })
    }
}

/// For a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> SecretString {
        SecretString::new(format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(claims.as_bytes()))).unwrap()
    }

    #[test]
    fn names_are_read_and_nothing_can_be_drawn_with_them() {
        let says = Says::of(&token(r#"{"iss":"https://ci.example","sub":"a\u001b[2Jb","aud":["x","y"]}"#));
        assert_eq!(says, Says { iss: "https://ci.example".into(), sub: "a?[2Jb".into(), aud: "x y".into() });
        assert_eq!(Says::of(&SecretString::new("no token".into()).unwrap()), Says::default());
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_refused_login_says_whose_word_was_not_enough() {
        let says = Says::of(&token(r#"{"iss":"https://ci.example","sub":"repo:acme/shop","aud":"keyward"}"#));
        let denied = says.next_step("DENIED", "deploy").unwrap();
        assert!(denied.contains("repo:acme/shop") && denied.contains("policy explain assume deploy"), "{denied}");
        assert!(
            says.next_step("ISSUER_UNKNOWN", "deploy").unwrap().contains("--iss https://ci.example --audience keyward")
        );
        assert_eq!(says.next_step("SEALED", "deploy"), None);
    }
}
