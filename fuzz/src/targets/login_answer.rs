//! What comes in at the port that `keyward login` opens for the browser: any page can send something there.

use keyward::cli::{WantedLogin, login_code};

use crate::support::texts;

const WANTED: WantedLogin<'static> = WantedLogin { state: "s3cret", issuer: "https://id.example" };

pub(super) fn run(bytes: &[u8]) {
    match login_code(bytes, &WANTED) {
        // Percent signs may spell it otherwise, so only what has none is held against the letters.
        Some(Ok(code)) => {
            assert!(!code.is_empty());
            let plain = !bytes.contains(&b'%');
            let knows = bytes.windows(WANTED.state.len()).any(|at| at == WANTED.state.as_bytes());
            assert!(!plain || knows, "a code counts that came without the state");
        }
        Some(Err(error)) => assert!(!error.to_string().chars().any(char::is_control), "{error}"),
        None => {}
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "GET /callback?code=abc&state=s3cret HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /callback?code=abc&state=s3cret&iss=https%3A%2F%2Fid.example HTTP/1.1\r\n\r\n",
        "GET /callback?error=denied&error_description=a%0Ab&state=s3cret HTTP/1.1\r\n\r\n",
        "GET /favicon.ico HTTP/1.1\r\n\r\n",
    ])
}
