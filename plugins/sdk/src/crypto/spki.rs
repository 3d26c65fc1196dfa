//! SubjectPublicKeyInfo: the one encoding of public keys outside this module.
//!
//! Not a general DER parser: it knows the four headers of the key kinds that Keyward has, byte for byte.

use super::{CryptoError, asymmetric::KeyKind};

const ED25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const P384: &[u8] = &[
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
    0x22, 0x03, 0x62, 0x00,
];
/// AlgorithmIdentifier of rsaEncryption with NULL parameters.
const RSA: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Wraps the raw public key (point, or PKCS#1 `RSAPublicKey`) of `kind`.
#[must_use]
pub fn encode(kind: KeyKind, raw: &[u8]) -> Vec<u8> {
    match kind {
        KeyKind::Ed25519 => [ED25519, raw].concat(),
        KeyKind::EcdsaP256 => [P256, raw].concat(),
        KeyKind::EcdsaP384 => [P384, raw].concat(),
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
            let bits = element(0x03, &[&[0], raw]);
            element(0x30, &[RSA, &bits])
        }
    }
}

/// The raw public key inside, if the encoding is that of `kind`.
///
/// # Errors
/// [`CryptoError::Key`] if it is another kind or not this encoding.
pub fn decode(kind: KeyKind, spki: &[u8]) -> Result<&[u8], CryptoError> {
    let wrong = CryptoError::Key(kind.name());
    let (header, len) = match kind {
        KeyKind::Ed25519 => (ED25519, 32),
        KeyKind::EcdsaP256 => (P256, 65),
        KeyKind::EcdsaP384 => (P384, 97),
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
            let (body, rest) = read(0x30, spki).ok_or(wrong)?;
            let bits = body.strip_prefix(RSA).ok_or(wrong)?;
            let (bits, after) = read(0x03, bits).ok_or(wrong)?;
            let raw = bits.strip_prefix(&[0]).filter(|_| rest.is_empty() && after.is_empty()).ok_or(wrong)?;
            return if rsa_bits(raw) == Some(kind.rsa_bits()) { Ok(raw) } else { Err(wrong) };
        }
    };
    spki.strip_prefix(header).filter(|raw| raw.len() == len).ok_or(wrong)
}

/// The PKCS#1 public key of a modulus and exponent, big-endian, leading zeros allowed (some issuers send one).
#[must_use]
pub fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    element(0x30, &[&integer(modulus), &integer(exponent)])
}

/// Which kind of key an encoding holds.
///
/// # Errors
/// [`CryptoError::Key`] if it is none of ours.
pub fn kind_of(spki: &[u8]) -> Result<KeyKind, CryptoError> {
    KeyKind::ALL
        .into_iter()
        .find(|kind| decode(*kind, spki).is_ok())
        .ok_or(CryptoError::Key("public (Ed25519, ECDSA P-256, P-384, or RSA of 2048, 3072 or 4096 bits)"))
}

fn rsa_bits(public_key: &[u8]) -> Option<usize> {
    let (body, _) = read(0x30, public_key)?;
    let (modulus, _) = read(0x02, body)?;
    let first = modulus.iter().position(|byte| *byte != 0)?;
    let leading = modulus.get(first)?.leading_zeros() as usize;
    Some((modulus.len() - first) * 8 - leading)
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let bytes = bytes.get(first..).unwrap_or_default();
    let pad: &[u8] = if bytes.first().is_none_or(|byte| *byte >= 0x80) { &[0] } else { &[] };
    element(0x02, &[pad, bytes])
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let be = len.to_be_bytes();
    let significant = be.iter().position(|byte| *byte != 0).map_or(&be[..0], |at| be.get(at..).unwrap_or_default());
    let mut out = vec![tag];
    if len < 0x80 {
        out.push(len as u8);
    } else {
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(significant);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

fn read(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[got, first], rest) = der.split_first_chunk::<2>()?;
    if got != tag {
        return None;
    }
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (len, rest) = rest.split_first()?;
            (usize::from(*len).checked_sub(0x80)? + 0x80, rest)
        }
        0x82 => {
            let (len, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*len)).checked_sub(0x100)? + 0x100, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(len)
}
