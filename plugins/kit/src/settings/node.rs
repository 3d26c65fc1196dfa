//! Reads a parsed TOML tree into serde types and collects every problem instead of stopping at the first.
//!
//! A value that its type refuses is noted, left out, and the reading begins anew, until nothing new is found. So a type
//! needs nothing but `Deserialize`.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Unexpected, Visitor},
    forward_to_deserialize_any,
};
use toml::{Spanned, de::DeValue};

use super::{Problem, Problems, line_of};
use crate::nearest;

/// More problems than this are not looked for.
const MAX_ROUNDS: usize = 100;

type Value<'a> = Spanned<DeValue<'a>>;

/// Notes the line of every key.
pub(super) fn index(node: &Value<'_>, at: &str, text: &str, lines: &mut BTreeMap<String, usize>) {
    if !at.is_empty() {
        lines.insert(at.to_owned(), line_of(text, node.span().start));
    }
    match node.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                index(value, &join(at, key.get_ref()), text, lines);
            }
        }
        DeValue::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                index(item, &format!("{at}[{n}]"), text, lines);
            }
        }
        _ => {}
    }
}

fn join(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

/// Reads the tree; `None` when problems kept it from becoming a `T`.
pub(super) fn read<T: DeserializeOwned>(root: &Value<'_>, text: &str, problems: &mut Problems) -> Option<T> {
    let reading = Reading { text, found: RefCell::new(Vec::new()), left_out: RefCell::new(BTreeSet::new()) };
    let mut value = None;
    for _ in 0..MAX_ROUNDS {
        let refused = match T::deserialize(Node { node: root, at: String::new(), reading: &reading }) {
            Ok(read) => {
                value = Some(read);
                break;
            }
            Err(refused) => refused,
        };
        let Refused { at, offset, text: why, missing } = refused;
        // A required key whose value was refused is missing in the next round; that is no second problem.
        if !reading.left_out.borrow().contains(&at) {
            problems.push(Problem { line: line_of(text, offset.unwrap_or(0)), key: at.clone(), text: why });
        }
        // What is missing cannot be left out; the section that lacks it can.
        let section = match missing {
            Some(field) => at.strip_suffix(field).map_or("", |section| section.trim_end_matches('.')).to_owned(),
            None => at,
        };
        if section.is_empty() || !reading.left_out.borrow_mut().insert(section) {
            break;
        }
    }
    reading.found.into_inner().into_iter().for_each(|problem| problems.push(problem));
    value
}

struct Reading<'t> {
    text: &'t str,
    found: RefCell<Vec<Problem>>,
    left_out: RefCell<BTreeSet<String>>,
}

/// Why a value was refused. `at` and `offset` are filled in by the innermost node that knows them.
#[derive(Debug)]
struct Refused {
    at: String,
    offset: Option<usize>,
    text: String,
    missing: Option<&'static str>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refused {}

fn kind(unexpected: &Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a text",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "something else",
    }
}

impl de::Error for Refused {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self { at: String::new(), offset: None, text: text.to_string(), missing: None }
    }

    // The default texts show the value; these do not.
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("is {}, expected {expected}", kind(&unexpected)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("is not allowed here, expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("is none of {}", list(expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::custom("is missing") }
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

struct Node<'n, 'd, 't> {
    node: &'n Value<'d>,
    at: String,
    reading: &'n Reading<'t>,
}

impl Node<'_, '_, '_> {
    fn place(&self, mut error: Refused) -> Refused {
        if error.offset.is_none() {
            error.offset = Some(self.node.span().start);
            error.at = match error.missing {
                Some(field) => join(&self.at, field),
                None => self.at.clone(),
            };
        }
        error
    }

    fn left_out(&self, at: &str) -> bool {
        self.reading.left_out.borrow().contains(at)
    }
}

impl<'de> Deserializer<'de> for Node<'_, '_, '_> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let read = match self.node.get_ref() {
            DeValue::String(text) => visitor.visit_str(text),
            DeValue::Boolean(yes) => visitor.visit_bool(*yes),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => Err(de::Error::custom("is too large a number")),
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => visitor.visit_f64(number),
                Err(_) => Err(de::Error::custom("is not a number")),
            },
            DeValue::Datetime(time) => visitor.visit_string(time.to_string()),
            DeValue::Array(items) => visitor.visit_seq(Items { node: &self, items: items.iter().enumerate() }),
            DeValue::Table(_) => visitor.visit_map(Entries::of(&self)),
        };
        read.map_err(|error| self.place(error))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let read = match self.node.get_ref() {
            DeValue::String(text) => visitor.visit_enum(text.as_ref().into_deserializer()),
            _ => visitor.visit_enum(de::value::MapAccessDeserializer::new(Entries::of(&self))),
        };
        read.map_err(|error| self.place(error))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let DeValue::Table(table) = self.node.get_ref() else { return self.deserialize_any(visitor) };
        for (key, _) in table.iter().filter(|(key, _)| !fields.contains(&key.get_ref().as_ref())) {
            let text = match nearest(key.get_ref(), fields.iter().copied()) {
                Some(near) => format!("is not known; did you mean `{near}`?"),
                None => format!("is not known; known here: {}", list(fields)),
            };
            let line = line_of(self.reading.text, key.span().start);
            self.reading.found.borrow_mut().push(Problem { line, key: join(&self.at, key.get_ref()), text });
        }
        visitor.visit_map(Entries::of(&self)).map_err(|error| self.place(error))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Items<'p, 'n, 'd, 't, I> {
    node: &'p Node<'n, 'd, 't>,
    items: I,
}

impl<'de, 'n, 'd: 'n, I: Iterator<Item = (usize, &'n Value<'d>)>> de::SeqAccess<'de> for Items<'_, 'n, 'd, '_, I> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        for (n, item) in self.items.by_ref() {
            let at = format!("{}[{n}]", self.node.at);
            if !self.node.left_out(&at) {
                return seed.deserialize(Node { node: item, at, reading: self.node.reading }).map(Some);
            }
        }
        Ok(None)
    }
}

struct Entries<'n, 'd, 't> {
    entries: std::vec::IntoIter<(&'n str, &'n Value<'d>)>,
    at: String,
    reading: &'n Reading<'t>,
    value: Cell<Option<(&'n str, &'n Value<'d>)>>,
}

impl<'n, 'd, 't> Entries<'n, 'd, 't> {
    fn of(node: &Node<'n, 'd, 't>) -> Self {
        let entries: Vec<_> = match node.node.get_ref() {
            DeValue::Table(table) => {
                let entries = table.iter().map(|(key, value)| (key.get_ref().as_ref(), value));
                entries.filter(|(key, _)| !node.left_out(&join(&node.at, key))).collect()
            }
            _ => Vec::new(),
        };
        Self { entries: entries.into_iter(), at: node.at.clone(), reading: node.reading, value: Cell::new(None) }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_, '_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value.set(Some((key, value)));
        let key: de::value::StrDeserializer<'_, Refused> = key.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        let Some((key, node)) = self.value.take() else { return Err(de::Error::custom("has no value")) };
        seed.deserialize(Node { node, at: join(&self.at, key), reading: self.reading })
    }
}
