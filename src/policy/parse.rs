//! From a policy's text to its statements: limits first, then Cedar's parser. What is valid is up to `validate`.

use std::{collections::HashSet, str::FromStr};

use cedar_policy::PolicySet;

use super::{PolicyId, Problem};
use crate::method::Name;

/// The most bytes of one policy's text.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// The most statements in one policy.
pub const MAX_STATEMENTS: usize = 256;
/// The most policies of a tenant.
pub const MAX_POLICIES: usize = 4096;
/// The most brackets that may be open at once.
const MAX_DEPTH: usize = 24;
/// The most operators and brackets in one statement. Cedar's syntax tree is as deep as a chain of them is long, and its
/// validator passes over what is too deep for the stack it runs on.
pub(super) const MAX_OPERATORS: usize = 256;

/// One `permit` or `forbid`.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) id: PolicyId,
    pub(super) cedar: cedar_policy::Policy,
}

/// The statements of a text, in its order.
pub(super) fn statements(name: &Name, text: &str) -> Result<Vec<Statement>, Vec<Problem>> {
    limits(name, text).map_err(|problem| vec![problem])?;
    let problem = |message: &str| vec![Problem::at(name.as_str(), text, 0, message)];
    let parsed = PolicySet::from_str(text)
        .map_err(|errors| errors.iter().map(|e| Problem::from_cedar(name.as_str(), text, e)).collect::<Vec<_>>())?;
    if parsed.templates().next().is_some() {
        return Err(problem("templates (`?principal`, `?resource`) are not supported; name the role and the folder"));
    }
    if parsed.is_empty() {
        return Err(problem("there is no statement; delete the policy instead"));
    }
    if parsed.num_of_policies() > MAX_STATEMENTS {
        return Err(problem(&format!("more than {MAX_STATEMENTS} statements; split the policy")));
    }
    let mut seen = HashSet::new();
    let mut statements = Vec::with_capacity(parsed.num_of_policies());
    for place in 0..parsed.num_of_policies() {
        // Cedar numbers the statements of a text so.
        let Some(policy) = parsed.policy(&cedar_policy::PolicyId::new(format!("policy{place}"))) else {
            return Err(problem("the statements cannot be told apart"));
        };
        let label = match policy.annotation("id") {
            Some(id) => {
                id.parse::<Name>()
                    .map_err(|error| problem(&format!("statement {place}: its `@id` is not a name: {error}")))?;
                id.to_owned()
            }
            None => place.to_string(),
        };
        if !seen.insert(label.clone()) {
            return Err(problem(&format!("two statements are called `{label}`; give each its own `@id`")));
        }
        let id = format!("{name}#{label}");
        let cedar = policy.new_id(cedar_policy::PolicyId::new(&id));
        statements.push(Statement { id: PolicyId::new(&id), cedar });
    }
    Ok(statements)
}

/// Where the statement at this place begins.
pub(super) fn offset_of(text: &str, place: usize) -> usize {
    let mut begins = vec![0];
    scan(text, |at, token| {
        if token == Token::End {
            begins.push(at + 1);
        }
    });
    let begin = begins.get(place).copied().unwrap_or_default();
    let blank = text.get(begin..).map_or(0, |rest| rest.len() - rest.trim_start().len());
    begin + blank
}

pub(super) fn limits(name: &Name, text: &str) -> Result<(), Problem> {
    let problem = |offset, message: String| Problem::at(name.as_str(), text, offset, message);
    if text.len() > MAX_TEXT_BYTES {
        return Err(problem(0, format!("{} bytes are too long, at most {MAX_TEXT_BYTES} are allowed", text.len())));
    }
    let (mut depth, mut operators, mut found) = (0_usize, 0_usize, None);
    scan(text, |at, token| {
        match token {
            Token::Open => {
                depth += 1;
                operators += 1;
            }
            Token::Close => depth = depth.saturating_sub(1),
            Token::Operator => operators += 1,
            Token::End => operators = 0,
        }
        if found.is_none() && depth > MAX_DEPTH {
            found = Some(problem(at, format!("more than {MAX_DEPTH} brackets are open here; nest less")));
        }
        if found.is_none() && operators > MAX_OPERATORS {
            found = Some(problem(
                at,
                format!("a statement with more than {MAX_OPERATORS} operators and brackets; split it"),
            ));
        }
    });
    found.map_or(Ok(()), Err)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Operator,
    End,
}

/// Walks over brackets, operators and ends of statements, past texts and comments. Not a parser: it only has to count at
/// least as much as Cedar's would.
fn scan(text: &str, mut see: impl FnMut(usize, Token)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(&inner) = bytes.get(at) {
                    match inner {
                        b'\\' => at += 1,
                        b'"' => break,
                        _ => {}
                    }
                    at += 1;
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                while bytes.get(at).is_some_and(|b| *b != b'\n') {
                    at += 1;
                }
            }
            b'(' | b'[' | b'{' => see(at, Token::Open),
            b')' | b']' | b'}' => see(at, Token::Close),
            b';' => see(at, Token::End),
            b'&' | b'|' | b'=' | b'<' | b'>' | b'!'
                if bytes.get(at + 1).is_some_and(|next| matches!(next, b'&' | b'|' | b'=')) =>
            {
                see(at, Token::Operator);
                at += 1;
            }
            b'&' | b'|' | b'=' | b'<' | b'>' | b'+' | b'-' | b'*' | b'!' | b'.' => see(at, Token::Operator),
            b if b.is_ascii_alphabetic() => {
                let start = at;
                while bytes.get(at + 1).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
                    at += 1;
                }
                if matches!(text.get(start..=at), Some("if" | "has" | "like" | "in" | "is" | "when" | "unless")) {
                    see(start, Token::Operator);
                }
            }
            _ => {}
        }
        at += 1;
    }
}
