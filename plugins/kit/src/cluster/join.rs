//! The join string: everything that a node needs to join, in one line that can be put in a file:
//! `kwj1.` and, in base64url, a checksum, the cluster's name, the broker's endpoints, the one-time token and the SHA-256 of
//! the broker's CA key. It is secret until it was used.

use data_encoding::BASE64URL_NOPAD;
use keyward_sdk::{
    crypto::digest::sha256,
    secret::{Key32, SecretError, SecretString},
};
use zeroize::Zeroizing;

/// At most so many endpoints.
pub const MAX_ENDPOINTS: usize = 8;
const MAX_ENDPOINT: usize = 255;
const MAX_NAME: usize = 128;
const PREFIX: &str = "kwj1.";
const CHECKSUM: usize = 4;

/// What a node needs to join.
#[derive(Debug)]
pub struct JoinString {
    /// The cluster's name.
    pub cluster: String,
    /// Where the broker is, `host:port`.
    pub endpoints: Vec<String>,
    /// Good once.
    pub token: Key32,
    /// The SHA-256 of the public key (SPKI) of the CA that the broker's certificate comes from.
    pub ca_pin: [u8; 32],
}

/// Why a text is no join string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// Letters are missing or changed.
    #[error("join token is damaged; copy it as a whole, or make a new one with `keyward cluster join-token`")]
    Damaged,
    /// Something else altogether.
    #[error("not a join token: it begins with `{PREFIX}`; make one with `keyward cluster join-token`")]
    Foreign,
}

impl JoinString {
    /// Writes the line.
    ///
    /// # Errors
    /// Never for what can be parsed again; only for a line of megabytes.
    pub fn encode(&self) -> Result<SecretString, SecretError> {
        let room =
            2 + self.cluster.len() + self.endpoints.iter().map(|endpoint| 1 + endpoint.len()).sum::<usize>() + 64;
        let mut body = Zeroizing::new(Vec::with_capacity(room + CHECKSUM));
        body.extend_from_slice(&[0; CHECKSUM]);
        text(&mut body, &self.cluster, MAX_NAME);
        let endpoints = self.endpoints.get(..MAX_ENDPOINTS).unwrap_or(&self.endpoints);
        body.push(endpoints.len() as u8); // at most 8
        endpoints.iter().for_each(|endpoint| text(&mut body, endpoint, MAX_ENDPOINT));
        body.extend_from_slice(self.token.expose());
        body.extend_from_slice(&self.ca_pin);
        let sum = checksum(body.get(CHECKSUM..).unwrap_or_default());
        if let Some(head) = body.first_chunk_mut::<CHECKSUM>() {
            *head = sum;
        }
        let mut line = String::with_capacity(PREFIX.len() + BASE64URL_NOPAD.encode_len(body.len()));
        line.push_str(PREFIX);
        BASE64URL_NOPAD.encode_append(&body, &mut line);
        SecretString::new(line)
    }

    /// Reads the line.
    ///
    /// # Errors
    /// [`JoinError`] when it is none or was damaged.
    pub fn parse(line: &str) -> Result<Self, JoinError> {
        let body = line.trim().strip_prefix(PREFIX).ok_or(JoinError::Foreign)?;
        if body.len() > 4_096 {
            return Err(JoinError::Damaged);
        }
        let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| JoinError::Damaged)?);
        let (sum, mut rest) = bytes.split_first_chunk::<CHECKSUM>().ok_or(JoinError::Damaged)?;
        if *sum != checksum(rest) {
            return Err(JoinError::Damaged);
        }
        let read = Self::read(&mut rest).ok_or(JoinError::Damaged)?;
        if rest.is_empty() { Ok(read) } else { Err(JoinError::Damaged) }
    }

    fn read(rest: &mut &[u8]) -> Option<Self> {
        let cluster = take_text(rest, MAX_NAME)?;
        let (count, after) = rest.split_first()?;
        *rest = after;
        if usize::from(*count) > MAX_ENDPOINTS || *count == 0 {
            return None;
        }
        let endpoints = (0..*count).map(|_| take_text(rest, MAX_ENDPOINT)).collect::<Option<Vec<_>>>()?;
        let (token, after) = rest.split_first_chunk::<32>()?;
        let (ca_pin, after) = after.split_first_chunk::<32>()?;
        *rest = after;
        Some(Self { cluster, endpoints, token: Key32::copy_of(token), ca_pin: *ca_pin })
    }
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let [a, b, c, d, ..] = sha256(body);
    [a, b, c, d]
}

fn text(body: &mut Vec<u8>, text: &str, max: usize) {
    let bytes = text.as_bytes().get(..text.len().min(max)).unwrap_or_default();
    body.push(bytes.len() as u8); // at most 255
    body.extend_from_slice(bytes);
}

fn take_text(rest: &mut &[u8], max: usize) -> Option<String> {
    let (len, after) = rest.split_first()?;
    let (text, after) = after.split_at_checked(usize::from(*len))?;
    *rest = after;
    let text = std::str::from_utf8(text).ok().filter(|text| !text.is_empty() && text.len() <= max)?;
    // Names and addresses alone: what is printed in an error must not steer a terminal.
    text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> JoinString {
        JoinString {
            cluster: "prod-1".to_owned(),
            endpoints: vec!["broker.example:7443".to_owned(), "[::1]:7443".to_owned()],
            token: Key32::copy_of(&[5; 32]),
            ca_pin: [6; 32],
        }
    }

    #[test]
    fn a_join_string_reads_back_as_it_was_written() {
        let read = JoinString::parse(&format!("{}\n", sample().encode().unwrap().expose())).unwrap();
        assert_eq!((read.cluster, read.endpoints, read.ca_pin), (sample().cluster, sample().endpoints, [6; 32]));
        assert!(read.token.same_as(&Key32::copy_of(&[5; 32])));
    }

    #[test]
    fn a_changed_or_cut_join_string_is_refused() {
        let line = sample().encode().unwrap();
        let line = line.expose();
        for cut in PREFIX.len()..line.len() {
            assert!(JoinString::parse(&line[..cut]).is_err(), "{cut}");
        }
        for at in PREFIX.len()..line.len() {
            let mut bad = line.as_bytes().to_vec();
            bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
            assert!(JoinString::parse(std::str::from_utf8(&bad).unwrap()).is_err(), "{at}");
        }
        assert_eq!(JoinString::parse("kw1.x").unwrap_err(), JoinError::Foreign);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(kwj1\\.)?[A-Za-z0-9_-]{0,300}") {
            let _ = JoinString::parse(&text);
        }
    }
}
