use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::shamir::{combine, split};

#[derive(Deserialize)]
struct Row {
    name: String,
    k: u8,
    n: u8,
    split: u32,
    secret: String,
    shares: Vec<String>,
    codes: Vec<String>,
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

#[test]
fn frozen_shares_combine_and_are_written_as_they_were() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/shamir.json");
    let rows: Vec<Row> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(rows.len() >= 6);
    for row in rows {
        let label = Label { split: row.split, k: row.k, n: row.n };
        let mut shares = Vec::new();
        for (code, value) in row.codes.iter().zip(&row.shares) {
            let (share, read) = decode(code).expect(&row.name);
            assert_eq!((read, share.value().expose()), (label, hex(value).as_slice()), "{}", row.name);
            assert_eq!(encode(&share, &label).expose(), code, "{}", row.name);
            shares.push(share);
        }
        let k = usize::from(row.k);
        for some in [&shares[..k], &shares[shares.len() - k..]] {
            assert_eq!(combine(some, row.k).unwrap().expose(), hex(&row.secret), "{}", row.name);
        }
    }
}

fn written(len: usize) -> String {
    let shares = split(&Secret::random(len), 2, 3).unwrap();
    encode(&shares[1], &Label { split: 9, k: 2, n: 3 }).expose().to_owned()
}

#[test]
fn a_share_reads_as_people_type_it() {
    let code = written(32);
    let typed = [
        code.to_lowercase(),
        code.replace('-', ""),
        code.replace('-', " "),
        format!("  {}\n", code.replace('-', "\t-")),
        code.replace('0', "O").replace('1', "l"),
        code.replace('0', "o").replace('1', "I"),
    ];
    for typed in typed {
        let (share, label) = decode(&typed).expect(&typed);
        assert_eq!((share.index(), label), (2, Label { split: 9, k: 2, n: 3 }));
        assert_eq!(encode(&share, &label).expose(), code);
    }
}

#[test]
fn every_single_typo_is_found_in_its_group() {
    let code = written(32);
    for (at, typed) in code.char_indices().filter(|(_, c)| *c != '-') {
        for other in ALPHABET.iter().map(|c| char::from(*c)).filter(|c| *c != typed) {
            let mut wrong = code.clone();
            wrong.replace_range(at..=at, &other.to_string());
            assert_eq!(decode(&wrong).unwrap_err(), CodeError::Group { group: at / 6 + 1 }, "{wrong}");
        }
    }
}

#[test]
fn two_characters_swapped_are_found_in_their_group() {
    let code = written(32);
    for at in (0..code.len() - 1).filter(|at| !code[*at..at + 2].contains('-')) {
        let mut wrong = code.clone().into_bytes();
        wrong.swap(at, at + 1);
        let wrong = String::from_utf8(wrong).unwrap();
        if wrong != code {
            assert_eq!(decode(&wrong).unwrap_err(), CodeError::Group { group: at / 6 + 1 }, "{wrong}");
        }
    }
}

#[test]
fn groups_swapped_left_out_or_doubled_are_found() {
    let code = written(32);
    let groups: Vec<&str> = code.split('-').collect();
    for at in 0..groups.len() - 1 {
        let mut swapped = groups.clone();
        swapped.swap(at, at + 1);
        let mut short = groups.clone();
        short.remove(at);
        let mut long = groups.clone();
        long.insert(at, groups[at]);
        for wrong in [swapped, short, long] {
            assert!(decode(&wrong.join("-")).is_err(), "{wrong:?}");
        }
    }
}

#[test]
fn what_is_no_share_is_refused() {
    let code = written(16);
    assert_eq!(decode(&code.replacen('-', "U", 1)).unwrap_err(), CodeError::Character { group: 2 });
    assert_eq!(decode("").unwrap_err(), CodeError::Length(0));
    assert!(matches!(decode(&"0".repeat(100_000)).unwrap_err(), CodeError::Length(_)));
    for end in 1..code.len() {
        assert!(decode(&code[..end]).is_err(), "{end}");
    }
    for more in ALPHABET {
        assert!(decode(&format!("{code}{}", char::from(*more))).is_err());
    }
}

#[test]
fn a_share_that_cannot_be_is_refused_even_with_right_sums() {
    let value = || Secret::copy_of(b"12345678").unwrap();
    for (index, k, n) in [(3, 1, 2), (1, 0, 2), (1, 3, 2)] {
        let share = Share::new(index, value()).unwrap();
        let code = encode(&share, &Label { split: 1, k, n });
        assert!(matches!(decode(code.expose()).unwrap_err(), CodeError::Share(ShamirError::Threshold { .. })));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(bytes in prop::collection::vec(any::<u8>(), 1..200), split: u32, n in 1u8.., index in 1u8.., k in 1u8..) {
        let (index, k) = (index.min(n), k.min(n));
        let share = Share::new(index, Secret::copy_of(&bytes).unwrap()).unwrap();
        let label = Label { split, k, n };
        let (read, read_label) = decode(encode(&share, &label).expose()).unwrap();
        prop_assert_eq!((read.index(), read.value().expose(), read_label), (index, bytes.as_slice(), label));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,120}") {
        let _ = decode(&text);
    }
}
