//! Strings that identify rows, ordered the way IndexedDB and JavaScript order them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{cmp::Ordering, fmt, ops::Deref, sync::Arc};

/// Identifies a process; chosen by the caller, non-blank.
pub type ProcessId = Key;
/// Identifies a session; chosen by the caller, non-blank.
pub type SessionId = Key;
/// Identifies a scope: `session:<sessionId>` or `session:<sessionId>/frame:<frameId>`.
pub type ScopeId = Key;

/// A shared string whose order is by UTF-16 code unit, so that every store lists alike.
///
/// Rust orders strings by code point. The two differ only for characters beyond the basic
/// plane against U+E000..=U+FFFF.
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
pub struct Key(Arc<str>);

/// Compares two strings by UTF-16 code unit.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (left, right) = (a.as_bytes(), b.as_bytes());
    match left.iter().zip(right).find(|(x, y)| x != y) {
        Some((x, y)) => rank(*x).cmp(&rank(*y)),
        None => left.len().cmp(&right.len()),
    }
}

/// UTF-8 keeps code point order byte by byte, except that the lead bytes of U+E000..=U+FFFF
/// (EE, EF) must come after those of surrogate pairs (F0 to F4).
fn rank(byte: u8) -> u8 {
    match byte {
        0xEE | 0xEF => byte | 0x10,
        0xF0..=0xF4 => byte - 2,
        _ => byte,
    }
}

impl Key {
    /// The plain string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Deref for Key {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Keys in order, each once.
pub fn sorted(keys: &[Key]) -> Vec<Key> {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}

/// One part of a compound key, in IndexedDB's order: numbers, then texts, then arrays.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// A number.
    Number(u64),
    /// A text.
    Text(Key),
    /// Past every number and text; bounds a range.
    End,
}

impl From<&Key> for Part {
    fn from(text: &Key) -> Self {
        Part::Text(text.clone())
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Part::Text(text.into())
    }
}

impl From<&String> for Part {
    fn from(text: &String) -> Self {
        Part::Text(text.as_str().into())
    }
}

impl From<u64> for Part {
    fn from(number: u64) -> Self {
        Part::Number(number)
    }
}

/// A compound key with a part more.
pub fn longer(key: &[Part], part: Part) -> Vec<Part> {
    let mut longer = key.to_vec();
    longer.push(part);
    longer
}

/// A compound key.
macro_rules! key {
    ($($part:expr),* $(,)?) => { Vec::from([$($crate::model::key::Part::from($part)),*]) };
}

pub(crate) use key;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_by_utf16_code_unit() {
        let words = ["", "a", "ab", "b", "é", "ࠀ", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "😀", "\u{10FFFF}"];
        for a in words {
            for b in words {
                assert_eq!(compare(a, b), a.encode_utf16().cmp(b.encode_utf16()), "{a:?} {b:?}");
            }
        }
    }
}
