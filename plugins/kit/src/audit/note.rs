//! Signed notes (C2SP signed-note): a text, an empty line, and signature lines that each name their key.
//!
//! Lines of keys that are not ours are kept and not judged: those are the cosignatures of witnesses.

use data_encoding::{BASE64, HEXLOWER};
use keyward_sdk::{
    crypto::{
        asymmetric::{KeyKind, PrivateKey, PublicKey, Scheme},
        digest::sha256_parts,
    },
    secret::Secret,
};

/// The most bytes of a note with its signatures.
pub const MAX_NOTE_BYTES: usize = 64 * 1024;
const ED25519: u8 = 1;
const DASH: &str = "\u{2014} ";

/// Why a note, or a key for notes, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// No signature line names the key.
    #[error("note has no signature by `{0}`")]
    Absent(String),
    /// Not of the form of a note or a key.
    #[error("note is malformed: {0}")]
    Malformed(&'static str),
    /// The signature is not of this text.
    #[error("signature by `{0}` does not fit the text")]
    Signature(String),
    /// The library cannot sign.
    #[error("note cannot be signed")]
    Signing,
}

/// A named Ed25519 key that signs notes.
pub struct Signer {
    verifier: Verifier,
    key: PrivateKey,
}

/// A named Ed25519 key that checks notes.
#[derive(Clone)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    key: PublicKey,
}

impl Signer {
    /// A signer called `name` with a private key in PKCS#8.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] for a name that cannot stand in a note or a key that is not Ed25519.
    pub fn new(name: &str, pkcs8: &Secret) -> Result<Self, NoteError> {
        let key =
            PrivateKey::from_pkcs8(KeyKind::Ed25519, pkcs8).map_err(|_| NoteError::Malformed("not an ed25519 key"))?;
        let verifier = Verifier::new(name, key.public_key().raw())?;
        Ok(Self { verifier, key })
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// `text`, which must end with a line end, and its signature.
    ///
    /// # Errors
    /// [`NoteError`] when the text cannot be a note or the library cannot sign.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        if !text.ends_with('\n') || text.ends_with("\n\n") {
            return Err(NoteError::Malformed("the text does not end with one line end"));
        }
        let signature = self.key.sign(Scheme::Ed25519, text.as_bytes()).map_err(|_| NoteError::Signing)?;
        let signed = [self.verifier.id.as_slice(), &signature].concat();
        Ok(format!("{text}\n{DASH}{} {}\n", self.verifier.name, BASE64.encode(&signed)))
    }
}

impl Verifier {
    /// A verifier called `name` with the 32 bytes of a public key.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] as for [`Signer::new`].
    pub fn new(name: &str, public: &[u8]) -> Result<Self, NoteError> {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+') {
            return Err(NoteError::Malformed("a key's name has no spaces and no plus"));
        }
        let key =
            PublicKey::from_raw(KeyKind::Ed25519, public).map_err(|_| NoteError::Malformed("not an ed25519 key"))?;
        let [a, b, c, d, ..] = sha256_parts(&[name.as_bytes(), b"\n", &[ED25519], public]);
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], key })
    }

    /// Reads the text form of a verifier: `name+id+key`.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed("a verifier key reads name+id+key");
        let mut parts = text.trim_end().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed);
        };
        let key = BASE64.decode(key.as_bytes()).map_err(|_| malformed.clone())?;
        let Some((&ED25519, public)) = key.split_first() else { return Err(malformed) };
        let verifier = Self::new(name, public)?;
        if HEXLOWER.encode(&verifier.id) == id {
            Ok(verifier)
        } else {
            Err(NoteError::Malformed("the key's id is wrong"))
        }
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of `note`, if it has a right signature by this key.
    ///
    /// # Errors
    /// [`NoteError`] says what is wrong.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = split(note)?;
        let ours = signatures.lines().filter_map(|line| {
            let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
            let bytes = BASE64.decode(signature.as_bytes()).ok()?;
            let (id, signature) = bytes.split_first_chunk::<4>()?;
            (name == self.name && *id == self.id).then(|| signature.to_vec())
        });
        let mut checked = ours.map(|signature| self.key.verify(Scheme::Ed25519, text.as_bytes(), &signature).is_ok());
        match checked.next() {
            None => Err(NoteError::Absent(self.name.clone())),
            Some(true) => Ok(text),
            Some(false) => Err(NoteError::Signature(self.name.clone())),
        }
    }
}

/// The text of a note and its signature lines. Nothing is checked by this but the form.
///
/// # Errors
/// [`NoteError::Malformed`] says what is wrong.
pub fn split(note: &str) -> Result<(&str, &str), NoteError> {
    if note.len() > MAX_NOTE_BYTES {
        return Err(NoteError::Malformed("too long"));
    }
    plain(note)?;
    let at = note.rfind("\n\n").ok_or(NoteError::Malformed("no empty line before the signatures"))?;
    let text = note.get(..=at).unwrap_or_default();
    let signatures = note.get(at + 2..).unwrap_or_default();
    if signatures.is_empty() || !signatures.ends_with('\n') || !signatures.lines().all(|l| l.starts_with(DASH)) {
        return Err(NoteError::Malformed("no signature lines"));
    }
    Ok((text, signatures))
}

/// Refuses control characters other than the line end, as C2SP does: with a `\r` before it a line would have two spellings.
pub(super) fn plain(text: &str) -> Result<(), NoteError> {
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::Malformed("a control character"));
    }
    Ok(())
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = [&[ED25519], self.key.raw()].concat();
        write!(f, "{}+{}+{}", self.name, HEXLOWER.encode(&self.id), BASE64.encode(&key))
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({self})")
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.verifier.name)
    }
}

#[cfg(test)]
mod tests {
    use keyward_sdk::crypto::asymmetric::generate;

    use super::*;

    /// The example of the Go package golang.org/x/mod/sumdb/note, on whose format C2SP builds.
    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_note_signed_elsewhere_is_understood() {
        let peter = Verifier::parse(VKEY).unwrap();
        assert_eq!(peter.to_string(), VKEY);
        assert!(peter.open(NOTE).unwrap().ends_with("problem is.\n"));
        let changed = NOTE.replace("answer", "Answer");
        assert_eq!(peter.open(&changed), Err(NoteError::Signature("PeterNeumann".to_owned())));
    }

    #[test]
    fn a_signed_note_opens_under_its_key_only_and_keeps_witnesses() {
        let (ours, other) = (generate(KeyKind::Ed25519).unwrap(), generate(KeyKind::Ed25519).unwrap());
        let signer = Signer::new("i/r/1", &ours).unwrap();
        let note = signer.sign("i/r/1\n5\n").unwrap() + "\u{2014} witness AAAAAAAA\n";
        assert_eq!(signer.verifier().open(&note), Ok("i/r/1\n5\n"));
        let stranger = Signer::new("i/r/1", &other).unwrap();
        assert!(stranger.verifier().open(&note).is_err());
        assert!(signer.sign("no line end").is_err());
    }

    #[test]
    fn what_is_no_note_is_refused() {
        for bad in ["", "\n\n", "a\n\n", "a\n\nb\n", "a\n\u{2014} k AAAA\n", "a\r\n\n\u{2014} k AAAA\n"] {
            assert!(split(bad).is_err(), "{bad:?}");
        }
        for bad in
            ["", "a+b", "a b+00000000+AQ==", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
        {
            assert!(Verifier::parse(bad).is_err(), "{bad:?}");
        }
    }
}
