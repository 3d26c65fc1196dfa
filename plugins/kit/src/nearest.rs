//! What was meant by a name that is not known.

/// The known name that looks most like the one that was written, if any looks like it at all.
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let likeness = |known| (known, strsim::normalized_damerau_levenshtein(written, known));
    let (known, likeness) = known.into_iter().map(likeness).max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (likeness > 0.5).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_understood_and_another_word_is_not() {
        let known = ["GetSecret", "PutSecret", "Sign"];
        assert_eq!(nearest("GetSecrt", known), Some("GetSecret"));
        assert_eq!(nearest("encrypt", known), None);
        assert_eq!(nearest("x", []), None);
    }
}
