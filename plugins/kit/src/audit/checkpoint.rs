//! Checkpoints (C2SP tlog-checkpoint): what a log was at one moment, signed. Extension lines carry the heads of the
//! control state, so that an old store beside a newer log is noticed.

use data_encoding::{BASE64, HEXLOWER};
use keyward_sdk::time::Timestamp;

use super::{
    note::{self, NoteError, Signer, Verifier},
    tree::Hash,
};

/// The most heads in one checkpoint: one a tenant.
pub const MAX_HEADS: usize = 512;

/// The head of the control state of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The tenant's id.
    pub tenant: [u8; 16],
    /// How often its control state was written.
    pub counter: u64,
    /// The digest over it.
    pub digest: Hash,
}

/// What a log was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log: `installation/replica/epoch`.
    pub origin: String,
    /// How many records it had.
    pub size: u64,
    /// The hash over them.
    pub root: Hash,
    /// When it was signed; none in a checkpoint that does not say.
    pub time: Option<Timestamp>,
    /// The heads of the control state.
    pub heads: Vec<Head>,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(&self.root));
        if let Some(time) = self.time {
            text.push_str(&format!("time {}\n", time.millis()));
        }
        for head in self.heads.iter().take(MAX_HEADS) {
            let (tenant, digest) = (HEXLOWER.encode(&head.tenant), BASE64.encode(&head.digest));
            text.push_str(&format!("head {tenant} {} {digest}\n", head.counter));
        }
        text
    }

    /// The signed note.
    ///
    /// # Errors
    /// [`NoteError`] when it cannot be signed.
    pub fn sign(&self, signer: &Signer) -> Result<String, NoteError> {
        signer.sign(&self.text())
    }

    /// Reads a note and checks that `verifier` signed it and that it is about the log of that name.
    ///
    /// # Errors
    /// [`NoteError`] says what is wrong.
    pub fn open(note: &str, verifier: &Verifier) -> Result<Self, NoteError> {
        let checkpoint = Self::parse(verifier.open(note)?)?;
        if checkpoint.origin == verifier.name() {
            Ok(checkpoint)
        } else {
            Err(NoteError::Malformed("the checkpoint is of another log"))
        }
    }

    /// Reads a note without checking any signature.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] says what is wrong.
    pub fn danger_unverified(note: &str) -> Result<Self, NoteError> {
        Self::parse(note::split(note)?.0)
    }

    /// Reads the text of a checkpoint. Extension lines that it does not know are passed over.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        note::plain(text)?;
        let mut lines = text.lines();
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or(NoteError::Malformed("no origin"))?;
        let size = lines.next().and_then(number).ok_or(NoteError::Malformed("no size"))?;
        let root = lines.next().and_then(hash).ok_or(NoteError::Malformed("no root hash"))?;
        let (mut time, mut heads) = (None, Vec::new());
        for line in lines {
            let mut words = line.split(' ');
            match words.next() {
                Some("") | None => return Err(NoteError::Malformed("an empty line in the text")),
                Some("time") => {
                    let millis =
                        words.next().and_then(number).ok_or(NoteError::Malformed("a time line without a time"))?;
                    time = Some(Timestamp::from_millis(millis));
                }
                Some("head") => {
                    let head = head(words).ok_or(NoteError::Malformed("a head line reads: tenant counter digest"))?;
                    heads.push(head);
                }
                Some(_) => {}
            }
        }
        if heads.len() > MAX_HEADS {
            return Err(NoteError::Malformed("too many heads"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, time, heads })
    }
}

fn head<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Head> {
    let tenant = HEXLOWER.decode(words.next()?.as_bytes()).ok()?.try_into().ok()?;
    let (counter, digest) = (number(words.next()?)?, hash(words.next()?)?);
    words.next().is_none().then_some(Head { tenant, counter, digest })
}

/// A number as C2SP writes it: ASCII digits without a leading zero.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn hash(text: &str) -> Option<Hash> {
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// A proof that one record is in the log, as text (C2SP tlog-proof): the record itself is handed over beside it.
#[must_use]
pub fn proof_text(index: u64, proof: &[Hash], checkpoint: &str) -> String {
    let hashes: String = proof.iter().map(|hash| BASE64.encode(hash) + "\n").collect();
    format!("c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{checkpoint}")
}

/// Reads a proof and says whether it shows that a record with this leaf hash is in the log of `verifier`.
///
/// # Errors
/// [`NoteError`] says what is wrong.
pub fn check_proof(text: &str, leaf: Hash, verifier: &Verifier) -> Result<Checkpoint, NoteError> {
    let malformed = NoteError::Malformed("not an inclusion proof");
    if text.len() > 2 * note::MAX_NOTE_BYTES {
        return Err(malformed);
    }
    let (head, note) = text.split_once("\n\n").ok_or(malformed.clone())?;
    let mut lines = head.lines();
    let index = match (lines.next(), lines.next().and_then(|line| line.strip_prefix("index ")).and_then(number)) {
        (Some("c2sp.org/tlog-proof@v1"), Some(index)) => index,
        _ => return Err(malformed),
    };
    let proof: Vec<Hash> = lines.map(hash).collect::<Option<_>>().ok_or(malformed)?;
    let checkpoint = Checkpoint::open(note, verifier)?;
    if super::tree::proof::includes(&proof, index, checkpoint.size, leaf, &checkpoint.root) {
        Ok(checkpoint)
    } else {
        Err(NoteError::Malformed("the proof does not lead to the root of the checkpoint"))
    }
}

#[cfg(test)]
mod tests {
    use keyward_sdk::crypto::asymmetric::{KeyKind, generate};

    use super::*;

    fn checkpoint() -> Checkpoint {
        let head = Head { tenant: [7; 16], counter: 3, digest: [9; 32] };
        let time = Some(Timestamp::from_millis(1_795_382_203_000));
        Checkpoint { origin: "inst/replica/1".to_owned(), size: 12, root: [1; 32], time, heads: vec![head] }
    }

    #[test]
    fn a_checkpoint_reads_as_it_was_written() {
        let signer = Signer::new("inst/replica/1", &generate(KeyKind::Ed25519).unwrap()).unwrap();
        let note = checkpoint().sign(&signer).unwrap();
        assert_eq!(Checkpoint::open(&note, signer.verifier()).unwrap(), checkpoint());
        assert_eq!(Checkpoint::danger_unverified(&note).unwrap(), checkpoint());
        assert!(Checkpoint::open(&note.replace("\n12\n", "\n13\n"), signer.verifier()).is_err());
    }

    #[test]
    fn a_checkpoint_of_another_log_is_refused() {
        let signer = Signer::new("inst/other/1", &generate(KeyKind::Ed25519).unwrap()).unwrap();
        let note = checkpoint().sign(&signer).unwrap();
        assert!(Checkpoint::open(&note, signer.verifier()).is_err());
    }

    #[test]
    fn texts_that_are_no_checkpoint_are_refused() {
        let root = BASE64.encode(&[1; 32]);
        for bad in [
            String::new(),
            "o\n".into(),
            format!("o\n01\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            "o\n1\nAAAA\n".into(),
            format!("o\n1\n{root}\nhead x 1 y\n"),
            format!("o\n1\n{root}\n\nx\n"),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
        assert!(Checkpoint::parse(&format!("o\n1\n{root}\nunknown extension\n")).is_ok());
    }
}
