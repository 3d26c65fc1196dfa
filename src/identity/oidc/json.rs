//! JSON from outside, read strictly: a name twice in one object is refused (two readers could see two values), and so
//! is nesting deeper than anyone needs.

use std::{collections::BTreeMap, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The deepest nesting that is read.
pub(super) const MAX_DEPTH: usize = 12;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Bool(bool),
    Float(f64),
    List(Vec<Json>),
    Long(i64),
    Null,
    Object(BTreeMap<String, Json>),
    Text(String),
}

impl Json {
    /// Reads one value and nothing after it. The error is a fixed text: what was read never gets into it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let value = Depth(MAX_DEPTH).deserialize(&mut reader).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "it names a member twice or is nested too deep",
            _ => "it is not valid JSON",
        })?;
        reader.end().map_err(|_| "something follows the JSON value")?;
        Ok(value)
    }

    pub(super) fn object(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.object()?.get(name)
    }
}

struct Depth(usize);

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Long(value))
    }
    #[expect(clippy::cast_precision_loss, reason = "only numbers beyond i64 become floats, and no claim takes a float")]
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(i64::try_from(value).map_or(Json::Float(value as f64), Json::Long))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Float(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let below = self.0.checked_sub(1).ok_or_else(|| A::Error::custom("nested too deep"))?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Depth(below))? {
            list.push(item);
        }
        Ok(Json::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let below = self.0.checked_sub(1).ok_or_else(|| A::Error::custom("nested too deep"))?;
        let mut object = BTreeMap::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.insert(name, members.next_value_seed(Depth(below))?).is_some() {
                return Err(A::Error::custom("member named twice"));
            }
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_named_twice_is_refused_at_any_depth() {
        assert!(Json::parse(br#"{"a":1,"b":2}"#).is_ok());
        assert!(Json::parse(br#"{"a":1,"a":1}"#).is_err());
        assert!(Json::parse(br#"{"a":1,"\u0061":1}"#).is_err());
        assert!(Json::parse(br#"{"x":[{"a":1,"a":2}]}"#).is_err());
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Json::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(Json::parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(Json::parse(nested(100_000).as_bytes()).is_err());
        assert!(Json::parse("{\"a\":".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn only_one_whole_value_is_read() {
        for bad in
            [&b"{} {}"[..], b"{}x", b"", b"{", b"\xff", b"{\"a\":\"\\ud800\"}", b"NaN", b"{'a':1}", b"{\"a\":1,}"]
        {
            assert!(Json::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Json::parse(b"18446744073709551615"), Ok(Json::Float(18_446_744_073_709_551_615.0)));
    }
}
