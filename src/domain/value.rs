//! JSON values as JavaScript has them: every number a double, fields in the order they were given.
//!
//! Our own type rather than `serde_json`'s: a value is shared instead of copied (an outcome stands in
//! its event's payload, in what the event means and in the record), 16 bytes instead of 72, and without
//! the generic machinery of `serde` the wasm is a fifth smaller.

use std::rc::Rc;

use super::{canonical, key::Key};
use crate::text::{halves, whole_number};

/// A JSON value. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// A string.
    Text(Key),
    /// An array.
    List(Rc<Vec<Json>>),
    /// An object.
    Object(Rc<Map>),
}

/// The fields of an object, in the order they were given; each name once.
pub type Map = Vec<(Key, Json)>;

/// The field of that name.
pub fn field<'a>(fields: &'a Map, name: &str) -> Option<&'a Json> {
    fields.iter().find(|(found, _)| **found == *name).map(|(_, value)| value)
}

impl Json {
    /// A string.
    pub fn text(text: &str) -> Self {
        Json::Text(text.into())
    }

    /// An array.
    pub fn list(items: Vec<Json>) -> Self {
        Json::List(Rc::new(items))
    }

    /// An object.
    pub fn object(fields: Map) -> Self {
        Json::Object(Rc::new(fields))
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    /// The string, where it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Json::Text(text) = self { Some(text) } else { None }
    }

    /// The number, where it is one.
    pub fn as_number(&self) -> Option<f64> {
        if let Json::Number(number) = self { Some(*number) } else { None }
    }

    /// The items, where it is an array; else none.
    pub fn into_items(self) -> Vec<Json> {
        if let Json::List(items) = self { Rc::unwrap_or_clone(items) } else { Vec::new() }
    }

    /// The fields, where it is an object.
    pub fn fields(&self) -> Option<&Map> {
        if let Json::Object(fields) = self { Some(fields) } else { None }
    }

    /// The field of that name, where it is an object that has one.
    pub fn get(&self, name: &str) -> Option<&Json> {
        field(self.fields()?, name)
    }

    /// What a JSON pointer (RFC 6901) finds.
    pub fn pointer(&self, pointer: &str) -> Option<&Json> {
        let mut found = self;
        let mut left = pointer;
        while !left.is_empty() {
            let steps = left.strip_prefix("/")?;
            let step = halves(steps, b'/').map_or(steps, |(step, _)| step);
            left = steps.get(step.len()..)?;
            found = match found {
                Json::List(items) => items.get(place(step)?)?,
                Json::Object(fields) => field(fields, &unescaped(step))?,
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => return None,
            };
        }
        Some(found)
    }
}

/// A step of a pointer as a name: `~1` is a slash, `~0` a tilde.
fn unescaped(step: &str) -> String {
    let mut name = String::new();
    let mut left = step.chars().peekable();
    while let Some(char) = left.next() {
        let escaped = left.next_if(|next| char == '~' && matches!(next, '0' | '1'));
        name.push(match escaped {
            Some('1') => '/',
            Some(_) | None => char,
        });
    }
    name
}

/// An array index: digits without a leading zero.
fn place(step: &str) -> Option<usize> {
    let plain = step == "0" || !step.starts_with('0');
    if plain { usize::try_from(whole_number(step)?).ok() } else { None }
}

/// Equal as JSON: the order of fields does not matter.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        canonical::to_string(self) == canonical::to_string(other)
    }
}

#[cfg(not(target_family = "wasm"))]
impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Json::Null,
            Value::Bool(flag) => Json::Bool(flag),
            Value::Number(number) => Json::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Json::Text(text.into()),
            Value::Array(items) => Json::list(items.into_iter().map(Json::from).collect()),
            Value::Object(fields) => {
                Json::object(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
            }
        }
    }
}

#[cfg(not(target_family = "wasm"))]
impl From<&Json> for serde_json::Value {
    fn from(value: &Json) -> Self {
        // The canonical text is JSON, so reading it back cannot fail.
        serde_json::from_str(&canonical::to_string(value)).unwrap_or_default()
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
pub(crate) mod tests {
    /// A value, written as JSON.
    macro_rules! json {
        ($($json:tt)*) => { $crate::domain::value::Json::from(serde_json::json!($($json)*)) };
    }

    pub(crate) use json;

    #[test]
    fn values_are_equal_as_json_is() {
        assert_eq!(json!({"a": 1, "b": [0.5, null]}), json!({"b": [0.5, null], "a": 1.0}));
        assert_ne!(json!([1, 2]), json!([2, 1]));
    }
}
