//! Key sets (RFC 7517) as issuers publish them.
//!
//! Keys that we have no use for are left out: an issuer may publish keys for encryption or of a new kind beside the ones
//! that it signs with. Symmetric keys are among them, so no HMAC is ever checked with anything from outside.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::DecodingKey;

use super::{SignatureAlgorithm, algorithm::KeyKind, json::Json};

/// The most keys of a set.
pub const MAX_KEYS: usize = 100;
/// RSA moduli: the sizes that the signature check takes.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;

/// A public key that checks signatures.
pub(super) struct VerifyingKey {
    pub(super) kid: Option<String>,
    pub(super) kind: KeyKind,
    /// The one algorithm that its owner uses it for, where it says so.
    algorithm: Option<SignatureAlgorithm>,
    pub(super) key: DecodingKey,
}

impl VerifyingKey {
    /// Whether a signature of this algorithm may be checked with it.
    pub(super) fn fits(&self, algorithm: SignatureAlgorithm) -> bool {
        self.kind == algorithm.key_kind() && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

/// The keys that a document holds.
pub(super) struct KeySet {
    pub(super) keys: Vec<VerifyingKey>,
}

/// Why a document is no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JwksError {
    #[error("key set cannot be read: {0}")]
    Garbled(&'static str),
    #[error("key set has more than {MAX_KEYS} keys")]
    TooMany,
    #[error("key set has no key that checks signatures of a known kind")]
    NoKey,
}

impl KeySet {
    pub(super) fn parse(document: &[u8]) -> Result<Self, JwksError> {
        let json = Json::parse(document).map_err(JwksError::Garbled)?;
        let list = json.get("keys").and_then(Json::list).ok_or(JwksError::Garbled("it has no list `keys`"))?;
        if list.len() > MAX_KEYS {
            return Err(JwksError::TooMany);
        }
        let keys: Vec<_> = list.iter().filter_map(read).collect();
        if keys.is_empty() { Err(JwksError::NoKey) } else { Ok(Self { keys }) }
    }

    /// The keys that may have made a signature: by id where the token names one; where it names none, the only key that
    /// fits, so that nobody has to guess.
    pub(super) fn candidates<'a>(
        &'a self,
        algorithm: SignatureAlgorithm,
        kid: Option<&'a str>,
    ) -> impl Iterator<Item = &'a VerifyingKey> {
        let fitting = move |key: &&VerifyingKey| key.fits(algorithm) && (kid.is_none() || key.kid.as_deref() == kid);
        let alone = kid.is_some() || self.keys.iter().filter(fitting).count() == 1;
        self.keys.iter().filter(fitting).filter(move |_| alone)
    }
}

fn read(jwk: &Json) -> Option<VerifyingKey> {
    let text = |name| jwk.get(name).and_then(Json::text);
    if jwk.get("use").is_some_and(|u| u.text() != Some("sig")) {
        return None;
    }
    if jwk
        .get("key_ops")
        .is_some_and(|ops| !ops.list().is_some_and(|ops| ops.iter().any(|op| op.text() == Some("verify"))))
    {
        return None;
    }
    let (kind, key) = match text("kty")? {
        "RSA" => (KeyKind::Rsa, rsa(text("n")?, text("e")?)?),
        "EC" => match text("crv")? {
            "P-256" => (KeyKind::P256, ec(text("x")?, text("y")?, 32)?),
            "P-384" => (KeyKind::P384, ec(text("x")?, text("y")?, 48)?),
            _ => return None,
        },
        "OKP" if text("crv")? == "Ed25519" => {
            let x = BASE64URL_NOPAD.decode(text("x")?.as_bytes()).ok().filter(|x| x.len() == 32)?;
            (KeyKind::Ed25519, DecodingKey::from_ed_der(&x))
        }
        _ => return None,
    };
    let algorithm = match jwk.get("alg") {
        None => None,
        // RFC 9864 has a second name for the same thing.
        Some(Json::Text(alg)) if alg == "Ed25519" => Some(SignatureAlgorithm::EdDSA),
        Some(alg) => Some(SignatureAlgorithm::find(alg.text()?)?),
    };
    let kid = match jwk.get("kid") {
        None => None,
        Some(kid) => Some(kid.text()?.to_owned()),
    };
    let key = VerifyingKey { kid, kind, algorithm, key };
    key.algorithm.is_none_or(|own| own.key_kind() == kind).then_some(key)
}

fn rsa(n: &str, e: &str) -> Option<DecodingKey> {
    let (n, e) = (number(n)?, number(e)?);
    // A modulus may come with leading zero bytes (Java's BigInteger writes one); the number is what counts.
    let fits = RSA_MODULUS_BYTES.contains(&n.len()) && !e.is_empty() && e.len() <= 5;
    let odd = e.last().is_some_and(|last| last & 1 == 1) && e != [1] && n.last().is_some_and(|last| last & 1 == 1);
    (fits && odd).then(|| DecodingKey::from_rsa_raw_components(&n, &e))
}

/// A number without leading zero bytes.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).map(<[u8]>::to_vec)
}

fn ec(x: &str, y: &str, len: usize) -> Option<DecodingKey> {
    let mut point = vec![4];
    for coordinate in [x, y] {
        // RFC 7518 6.2.1.2: the full length of the field, zeros and all.
        point.extend(BASE64URL_NOPAD.decode(coordinate.as_bytes()).ok().filter(|bytes| bytes.len() == len)?);
    }
    Some(DecodingKey::from_ec_der(&point))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(bytes: &[u8]) -> String {
        BASE64URL_NOPAD.encode(bytes)
    }

    fn rsa_jwk(modulus: &[u8], more: &str) -> String {
        format!(r#"{{"keys":[{{"kty":"RSA","kid":"a","e":"AQAB","n":"{}"{more}}}]}}"#, n(modulus))
    }

    #[test]
    fn a_modulus_with_a_leading_zero_byte_is_the_same_number() {
        let modulus = [&[0x00, 0xff][..], &[0x5b; 255]].concat();
        let set = KeySet::parse(rsa_jwk(&modulus, "").as_bytes()).unwrap();
        let jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, .. } = set.keys[0].key.kind() else { panic!() };
        assert_eq!(n[..], modulus[1..]);
    }

    #[test]
    fn keys_without_use_for_signatures_are_left_out() {
        let modulus = [0xff; 256];
        assert!(KeySet::parse(rsa_jwk(&modulus, r#","use":"sig","key_ops":["verify"]"#).as_bytes()).is_ok());
        for more in [
            r#","use":"enc""#,
            r#","key_ops":["encrypt"]"#,
            r#","alg":"HS256""#,
            r#","alg":"ES256""#,
            r#","alg":"RSA-OAEP""#,
            r#","kid":7"#,
        ] {
            let more = if more.contains("kid") { r#","alg":7"# } else { more };
            assert!(matches!(KeySet::parse(rsa_jwk(&modulus, more).as_bytes()), Err(JwksError::NoKey)), "{more}");
        }
        let oct = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#;
        assert!(matches!(KeySet::parse(oct.as_bytes()), Err(JwksError::NoKey)));
    }

    #[test]
    fn weak_and_malformed_keys_are_left_out() {
        assert!(KeySet::parse(rsa_jwk(&[0xff; 128], "").as_bytes()).is_err());
        assert!(KeySet::parse(rsa_jwk(&[0xff; 2_000], "").as_bytes()).is_err());
        let one = rsa_jwk(&[0xff; 256], "").replace("AQAB", "AQ");
        assert!(KeySet::parse(one.as_bytes()).is_err());
        let short = format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}]}}"#, n(&[1; 31]), n(&[1; 32]));
        assert!(KeySet::parse(short.as_bytes()).is_err());
    }

    #[test]
    fn a_key_checks_only_the_algorithm_that_it_fits() {
        let set = KeySet::parse(rsa_jwk(&[0xff; 256], r#","alg":"RS256""#).as_bytes()).unwrap();
        let count = |alg, kid| set.candidates(alg, kid).count();
        assert_eq!(count(SignatureAlgorithm::RS256, Some("a")), 1);
        assert_eq!(count(SignatureAlgorithm::RS256, None), 1);
        assert_eq!(count(SignatureAlgorithm::PS256, Some("a")), 0);
        assert_eq!(count(SignatureAlgorithm::ES256, Some("a")), 0);
        assert_eq!(count(SignatureAlgorithm::RS256, Some("A")), 0);
    }

    #[test]
    fn without_a_key_id_nothing_is_guessed() {
        let key = |kid: &str| format!(r#"{{"kty":"RSA","kid":"{kid}","e":"AQAB","n":"{}"}}"#, n(&[0xff; 256]));
        let set = KeySet::parse(format!(r#"{{"keys":[{},{}]}}"#, key("a"), key("b")).as_bytes()).unwrap();
        assert_eq!(set.candidates(SignatureAlgorithm::RS256, None).count(), 0);
        assert_eq!(set.candidates(SignatureAlgorithm::RS256, Some("b")).count(), 1);
    }

    #[test]
    fn a_set_has_a_limit() {
        let key = format!(r#"{{"kty":"RSA","e":"AQAB","n":"{}"}}"#, n(&[0xff; 256]));
        let set = format!(r#"{{"keys":[{}]}}"#, vec![key; MAX_KEYS + 1].join(","));
        assert!(matches!(KeySet::parse(set.as_bytes()), Err(JwksError::TooMany)));
    }
}
