//! Words, in every form in which they could show.

use std::{collections::HashMap, ops::Range};

use data_encoding::{BASE64, BASE64URL, HEXLOWER};

/// The prefixes of tokens, join strings and bootstrap tokens, and of what an OIDC token begins with.
const TOKENS: [&str; 4] = ["kw1.", "kwj1.", "kwb1.", "eyJ"];
/// So many letters of a token make it one: the ids of cluster keys begin alike and are short between their dots.
const LEAST: usize = 60;

/// What is looked for, by its first bytes.
#[derive(Default)]
pub struct Forms {
    by_head: HashMap<[u8; 3], Vec<Vec<u8>>>,
    heads: Vec<bool>,
    tokens: bool,
}

impl Forms {
    /// All forms of some words, each of at least 12 bytes.
    pub fn of(words: &[&str]) -> Self {
        let mut forms = Self { heads: vec![false; 256], ..Self::default() };
        for word in words {
            let hex = HEXLOWER.encode(word.as_bytes());
            forms.add(word.as_bytes());
            forms.add(hex.as_bytes());
            forms.add(hex.to_uppercase().as_bytes());
            // In base64 a word looks different at each of three places.
            for shift in 0..3_usize {
                let shifted = [&b"\0\0"[..shift], word.as_bytes()].concat();
                for encoding in [&BASE64, &BASE64URL] {
                    let text = encoding.encode(&shifted);
                    // Without what the bytes before and after it change.
                    let (from, to) = (if shift == 0 { 0 } else { 4 }, text.trim_end_matches('=').len() / 4 * 4 - 4);
                    forms.add(&text.as_bytes()[from..to]);
                }
            }
        }
        forms
    }

    /// And whatever looks like a token.
    pub fn with_tokens(mut self) -> Self {
        self.tokens = true;
        TOKENS.iter().for_each(|prefix| self.heads[usize::from(prefix.as_bytes()[0])] = true);
        self
    }

    fn add(&mut self, form: &[u8]) {
        let head = *form.first_chunk().expect("a form has three bytes");
        self.heads[usize::from(head[0])] = true;
        self.by_head.entry(head).or_default().push(form.to_vec());
    }

    /// Where the first is.
    pub fn found_in(&self, bytes: &[u8]) -> Option<Range<usize>> {
        let likely = (0..bytes.len()).filter(|at| self.heads[usize::from(bytes[*at])]);
        likely.into_iter().find_map(|at| self.length_at(&bytes[at..]).map(|length| at..at + length))
    }

    fn length_at(&self, rest: &[u8]) -> Option<usize> {
        let forms = rest.first_chunk().and_then(|head| self.by_head.get(head));
        let form = forms.into_iter().flatten().find(|form| rest.starts_with(form));
        form.map(Vec::len).or_else(|| self.tokens.then(|| token(rest)).flatten())
    }
}

fn token(rest: &[u8]) -> Option<usize> {
    let prefix = TOKENS.iter().find(|prefix| rest.starts_with(prefix.as_bytes()))?;
    let letters = rest[prefix.len()..].iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let length = letters.count();
    (length >= LEAST).then_some(prefix.len() + length)
}
