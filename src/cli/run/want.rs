//! `NAME=PATH#FIELD`: what is wanted and where it goes.

use std::path::{Component, Path, PathBuf};

/// A field of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The secret's path.
    pub(super) path: String,
    /// The field's name.
    pub(super) name: String,
}

/// A variable of the command's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// Its name.
    pub(super) name: String,
    /// What it holds.
    pub(super) field: Field,
}

/// A file on a memory file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// A name without `/`: in a folder of its own; else exactly this path.
    pub(super) at: PathBuf,
    /// What it holds.
    pub(super) field: Field,
}

impl File {
    /// Whether it goes into the folder that `KEYWARD_FILES` names.
    pub(super) fn is_in_folder(&self) -> bool {
        self.at.parent() == Some(Path::new(""))
    }
}

/// Reads `NAME=PATH#FIELD`.
pub(super) fn variable(text: &str) -> Result<Variable, String> {
    let (name, field) = split(text, "NAME")?;
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !starts || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(format!("`{name}` is no name of a variable: use letters, digits and `_`, and no digit first"));
    }
    Ok(Variable { name: name.to_owned(), field })
}

/// Reads `FILE=PATH#FIELD`.
pub(super) fn file(text: &str) -> Result<File, String> {
    let (name, field) = split(text, "FILE")?;
    let at = PathBuf::from(name);
    let named = matches!(at.components().next_back(), Some(Component::Normal(last)) if name.ends_with(&*last.to_string_lossy()));
    if !named {
        return Err(format!("`{name}` is no name of a file"));
    }
    Ok(File { at, field })
}

fn split<'a>(text: &'a str, what: &str) -> Result<(&'a str, Field), String> {
    let wrong = || format!("write {what}=PATH#FIELD, e.g. {what}=prod/db#password");
    let (name, source) = text.split_once('=').ok_or_else(wrong)?;
    // A field's name has no `#`, a path may.
    let (path, field) = source.rsplit_once('#').ok_or_else(wrong)?;
    if name.is_empty() || path.is_empty() || field.is_empty() || text.contains('\0') {
        return Err(wrong());
    }
    Ok((name, Field { path: path.to_owned(), name: field.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(path: &str, name: &str) -> Field {
        Field { path: path.into(), name: name.into() }
    }

    #[test]
    fn a_variable_is_name_path_and_field() {
        let read = variable("DB_PASSWORD=prod/db/main#password").unwrap();
        assert_eq!(read, Variable { name: "DB_PASSWORD".into(), field: field("prod/db/main", "password") });
        assert_eq!(variable("_a1=a#b=c").unwrap().field, field("a", "b=c"));
        assert_eq!(variable("A=a#1#b").unwrap().field, field("a#1", "b"), "the last `#` divides");
        for wrong in
            ["A", "A=", "A=prod/db", "A=#f", "A=p#", "=p#f", "1A=p#f", "A-B=p#f", "A B=p#f", "Ä=p#f", "A=p\0#f", ""]
        {
            assert!(variable(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_file_is_a_name_or_a_path() {
        assert!(file("id_ed25519=ssh/deploy#key").unwrap().is_in_folder());
        for path in ["/run/user/1000/key=ssh/deploy#key", "./key=ssh/deploy#key", "a/b=ssh/deploy#key"] {
            assert!(!file(path).unwrap().is_in_folder(), "{path}");
        }
        for wrong in ["/=a#b", "..=a#b", ".=a#b", "a/..=a#b", "a/=a#b", "a/.=a#b", "=a#b", "key=a", "k\0=a#b"] {
            assert!(file(wrong).is_err(), "{wrong:?}");
        }
    }
}
