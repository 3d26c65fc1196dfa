//! The one request that the browser brings back from the provider.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use keyward_sdk::secret::same;
use reqwest::Url;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::cli::CliError;

/// Where the browser comes back to.
pub(super) const PATH: &str = "/callback";
/// The most bytes of a request's head.
const MOST: usize = 16 * 1024;
/// How long a connection may say nothing. Browsers open some that they never use.
const IDLE: Duration = Duration::from_secs(10);
/// The most connections at a time.
const CONNECTIONS: usize = 16;

/// What makes the browser's answer to a login ours.
pub struct Wanted<'a> {
    /// What was sent along.
    pub state: &'a str,
    /// Who must have answered, where it says so (RFC 9207).
    pub issuer: &'a str,
}

/// Waits for the answer and gives its code. Whatever else comes in is told that it is wrong, and waiting goes on.
pub(super) async fn receive(listener: &TcpListener, wanted: &Wanted<'_>) -> Result<String, CliError> {
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if open.len() < CONNECTIONS => {
                if let Ok((stream, _)) = accepted {
                    open.push(tokio::time::timeout(IDLE, answer(stream, wanted)));
                }
            }
            Some(done) = open.next() => {
                if let Ok(Some(code)) = done {
                    return code;
                }
            }
        }
    }
}

/// Reads one request and answers it. None: it was not the awaited one.
async fn answer(mut stream: TcpStream, wanted: &Wanted<'_>) -> Option<Result<String, CliError>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.ok()? == 0 || head.len() > MOST {
            return None;
        }
    }
    let found = code(&head, wanted);
    // Nothing of the request is repeated in the answer.
    let (status, text) = match &found {
        None => ("404 Not Found", "This is not the answer to a login."),
        Some(Ok(_)) => ("200 OK", "Logged in. You can close this window and go back to the terminal."),
        Some(Err(_)) => ("200 OK", "The login failed. The terminal says why."),
    };
    let body = format!("<!doctype html><meta charset=\"utf-8\"><title>Keyward</title><p>{text}</p>\n");
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{body}"
    );
    // The login counts whether or not the browser shows this.
    let _unseen = stream.write_all(answer.as_bytes()).await;
    let _unseen = stream.shutdown().await;
    found
}

/// The code in the head of a request, or why there is none. None: it is not the awaited request.
pub fn code(head: &[u8], wanted: &Wanted<'_>) -> Option<Result<String, CliError>> {
    target(head).and_then(|target| read(&target, wanted))
}

fn target(head: &[u8]) -> Option<Url> {
    let line = std::str::from_utf8(head).ok()?.lines().next()?;
    let path = line.strip_prefix("GET ")?.split(' ').next()?.strip_prefix('/')?;
    // No browser sends these, and the parser of URLs would leave some of them out.
    if path.contains(|c: char| c.is_control()) {
        return None;
    }
    Url::parse(&format!("http://127.0.0.1/{path}")).ok().filter(|url| url.path() == PATH)
}

fn read(url: &Url, wanted: &Wanted<'_>) -> Option<Result<String, CliError>> {
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if !parameter("state").is_some_and(|state| same(state.as_bytes(), wanted.state.as_bytes())) {
        return None;
    }
    if parameter("iss").is_some_and(|iss| iss != wanted.issuer) {
        return Some(Err(CliError::other("logging in", "the answer comes from another provider")));
    }
    match (parameter("code"), parameter("error")) {
        (Some(code), None) if !code.is_empty() => Some(Ok(code)),
        (_, Some(error)) => {
            let why =
                [Some(error), parameter("error_description")].into_iter().flatten().collect::<Vec<_>>().join(": ");
            let why: String = why.chars().filter(|c| !c.is_control()).take(300).collect();
            Some(Err(CliError::other("logging in", format!("the provider refuses: {why}"))))
        }
        _ => Some(Err(CliError::other("logging in", "the provider's answer has no code"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted<'static> = Wanted { state: "s3cret", issuer: "https://id.example" };

    fn of(line: &str) -> Option<Result<String, String>> {
        let url = target(format!("{line}\r\nHost: x\r\n\r\n").as_bytes())?;
        read(&url, &WANTED).map(|read| read.map_err(|error| error.to_string()))
    }

    #[test]
    fn only_the_answer_to_this_login_counts() {
        assert_eq!(of("GET /callback?state=s3cret&code=c HTTP/1.1"), Some(Ok("c".to_owned())));
        for other in [
            "GET /favicon.ico HTTP/1.1",
            "GET /callback?code=c HTTP/1.1",
            "GET /callback?state=other&code=c HTTP/1.1",
            "POST /callback?state=s3cret&code=c HTTP/1.1",
            "GET http://evil/callback?state=s3cret&code=c HTTP/1.1",
            "GET /callback/../x?state=s3cret&code=c HTTP/1.1",
            "GET /callback?state=s3\tcret&code=c HTTP/1.1",
            "GET /callback?state=s3\rcret&code=c HTTP/1.1",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_refusal_is_shown_and_another_providers_answer_is_not_taken() {
        let refused = of("GET /callback?state=s3cret&error=access_denied&error_description=no%0A HTTP/1.1").unwrap();
        assert!(refused.unwrap_err().ends_with("access_denied: no"));
        assert!(of("GET /callback?state=s3cret&code=c&iss=https://other.example HTTP/1.1").unwrap().is_err());
        assert!(of("GET /callback?state=s3cret HTTP/1.1").unwrap().is_err());
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_does_not_hold_up_the_browser() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _silent = TcpStream::connect(address).await.unwrap();
        let browser = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /callback?state=s3cret&code=c HTTP/1.1\r\n\r\n").await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            text
        };
        let (code, shown) = tokio::join!(receive(&listener, &WANTED), browser);
        assert_eq!(code.unwrap(), "c");
        assert!(shown.starts_with("HTTP/1.1 200 OK") && !shown.contains("s3cret"));
    }
}
