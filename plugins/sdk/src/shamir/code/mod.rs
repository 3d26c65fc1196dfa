//! A share as people write it down: Crockford base32 in groups of five, four of data and one that checks them, so that a
//! typo is found and the group that holds it is named.
//!
//! ```text
//! version u8 | split u32 | index u8 | k u8 | n u8 | value | first 4 bytes of SHA-256 over "keyward share" and all before
//! ```

use zeroize::Zeroizing;

use super::{MAX_SECRET, ShamirError, Share};
use crate::{
    crypto::digest::sha256_parts,
    secret::{Secret, SecretString, same},
};

#[cfg(test)]
mod tests;

const VERSION: u8 = 1;
const HEAD: usize = 8;
const SUM: usize = 4;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What stands on a share beside its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Which split it is of, so that a share of another epoch is told apart.
    pub split: u32,
    /// How many shares are needed.
    pub k: u8,
    /// How many there are.
    pub n: u8,
}

/// Why a text is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A character that no share has.
    #[error("share: group {group} holds a character that does not occur in shares")]
    Character {
        /// Which group of five, from 1.
        group: usize,
    },
    /// Every group is right by itself, and yet they do not fit together.
    #[error("share: the groups do not belong together; look for groups that were swapped, left out or doubled")]
    Checksum,
    /// The group's own check does not fit.
    #[error("share: group {group} has a typo")]
    Group {
        /// Which group of five, from 1.
        group: usize,
    },
    /// Too short or too long.
    #[error("share: {0} characters cannot be a share; groups are missing or too many")]
    Length(usize),
    /// Inside is no share.
    #[error("share: {0}")]
    Share(ShamirError),
    /// Made by a newer version of Keyward.
    #[error("share: written in format {0}, which this version does not read")]
    Version(u8),
}

/// Writes a share for people.
#[must_use]
pub fn encode(share: &Share, label: &Label) -> SecretString {
    let value = share.value().expose();
    let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD + value.len() + SUM));
    bytes.push(VERSION);
    bytes.extend_from_slice(&label.split.to_be_bytes());
    bytes.extend_from_slice(&[share.index(), label.k, label.n]);
    bytes.extend_from_slice(value);
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum);

    let symbols = to_symbols(&bytes);
    let mut text = Zeroizing::new(String::with_capacity(symbols.len() * 2));
    for (group, data) in symbols.chunks(4).enumerate() {
        if group > 0 {
            text.push('-');
        }
        for symbol in data.iter().copied().chain([check(group, data)]) {
            text.push(char::from(ALPHABET.get(usize::from(symbol)).copied().unwrap_or(b'0')));
        }
    }
    SecretString::from_zeroizing(text)
}

/// Reads a share as people type it: small letters, O for 0, I and L for 1, with or without dashes and spaces.
///
/// # Errors
/// [`CodeError`], which says where to look.
pub fn decode(text: &str) -> Result<(Share, Label), CodeError> {
    let max = symbols_of(HEAD + MAX_SECRET + SUM);
    let mut typed = Zeroizing::new(Vec::with_capacity(128));
    for character in text.chars().filter(|c| *c != '-' && !c.is_whitespace()) {
        if typed.len() > max * 2 {
            return Err(CodeError::Length(typed.len()));
        }
        let symbol = symbol(character).ok_or(CodeError::Character { group: typed.len() / 5 + 1 })?;
        if typed.len() == typed.capacity() {
            let mut roomier = Zeroizing::new(Vec::with_capacity(typed.capacity() * 2));
            roomier.extend_from_slice(&typed);
            typed = roomier; // grown by hand, so that the old buffer is wiped
        }
        typed.push(symbol);
    }

    let mut symbols = Zeroizing::new(Vec::with_capacity(typed.len()));
    for (group, chunk) in typed.chunks(5).enumerate() {
        let (last, data) = chunk.split_last().ok_or(CodeError::Length(typed.len()))?;
        if data.is_empty() {
            return Err(CodeError::Length(typed.len())); // a check alone would be taken for nothing
        }
        if *last != check(group, data) {
            return Err(CodeError::Group { group: group + 1 });
        }
        symbols.extend_from_slice(data);
    }
    let bytes = to_bytes(&symbols).ok_or(CodeError::Length(typed.len()))?;
    read(&bytes).ok_or(CodeError::Length(typed.len()))?
}

fn read(bytes: &[u8]) -> Option<Result<(Share, Label), CodeError>> {
    let (body, sum) = bytes.split_last_chunk::<SUM>()?;
    let (&[version, a, b, c, d, index, k, n], value) = body.split_first_chunk::<HEAD>()?;
    if !same(&checksum(body), sum) {
        return Some(Err(CodeError::Checksum));
    }
    if version != VERSION {
        return Some(Err(CodeError::Version(version)));
    }
    let share = Secret::copy_of(value).map_err(|_| ShamirError::Size).and_then(|value| Share::new(index, value));
    let label = Label { split: u32::from_be_bytes([a, b, c, d]), k, n };
    Some(match share {
        Ok(_) if k == 0 || k > n || index > n => Err(CodeError::Share(ShamirError::Threshold { k, n })),
        Ok(share) => Ok((share, label)),
        Err(error) => Err(CodeError::Share(error)),
    })
}

fn checksum(body: &[u8]) -> [u8; SUM] {
    let [a, b, c, d, ..] = sha256_parts(&[b"keyward share", body]);
    [a, b, c, d]
}

fn symbols_of(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

fn to_symbols(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut symbols = Zeroizing::new(Vec::with_capacity(symbols_of(bytes.len())));
    let (mut held, mut bits) = (0u32, 0u32);
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            symbols.push((held >> bits & 31) as u8);
        }
    }
    if bits > 0 {
        symbols.push((held << (5 - bits) & 31) as u8);
    }
    symbols
}

/// None if the symbols are not those of whole bytes: a stray symbol, or bits set where there are none.
fn to_bytes(symbols: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(symbols.len() * 5 / 8));
    let (mut held, mut bits) = (0u32, 0u32);
    for symbol in symbols {
        held = (held << 5 | u32::from(*symbol)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    let left = held & ((1 << bits) - 1);
    (symbols.len() == symbols_of(bytes.len()) && left == 0).then_some(bytes)
}

fn symbol(character: char) -> Option<u8> {
    let upper = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|known| char::from(*known) == upper).map(|at| at as u8)
}

/// The check of one group: the sum over GF(32) of its symbols, each times another power of x, and of its number. Any one
/// wrong symbol and any two swapped ones show.
fn check(group: usize, data: &[u8]) -> u8 {
    data.iter().fold((group % 32) as u8, |sum, symbol| double(sum ^ symbol))
}

/// Times x in GF(32) with x^5 + x^2 + 1.
fn double(a: u8) -> u8 {
    ((a << 1) ^ (0b10_0101 * (a >> 4 & 1))) & 31
}
