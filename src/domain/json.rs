//! Our own types as JSON values and back, with errors that name the path.
//!
//! By hand rather than by `serde`'s derive: derived, this was three quarters of the wasm (800 of
//! 1,086 KB), because each type is compiled anew for every source and target of values and once
//! more for each tagged enum; and its errors name no path.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::key::Key;

/// What is wrong with a value, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    path: String,
    what: String,
}

type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    /// Wrong at the top.
    pub fn new(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into() }
    }

    /// The same, seen from one level further out.
    #[must_use]
    pub fn within(self, place: &str) -> Self {
        Self { path: format!("{place}{}", self.path), what: self.what }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.path.trim_start_matches('.'), self.what)
    }
}

/// Becomes a JSON value.
pub trait ToJson {
    /// The value as JSON.
    fn to_json(&self) -> Value;

    /// Whether a field of this value is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Made from a JSON value.
pub trait FromJson: Sized {
    /// The value in its own shape, or what is wrong with it.
    fn from_json(value: Value) -> Result<Self>;

    /// What a missing field stands for; a required one has nothing.
    fn absent() -> Option<Self> {
        None
    }

    /// What an optional `null` stands for: for most types the same as a missing field.
    fn null() -> Option<Self> {
        None
    }
}

/// A value in its own shape, or what is wrong with it.
pub fn read<T: FromJson>(value: Value) -> Result<T> {
    T::from_json(value)
}

/// The fields of an object, taken out one by one.
pub struct Fields(Map<String, Value>);

impl Fields {
    /// The fields of `value`, which must be an object.
    pub fn of(value: Value) -> Result<Self> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Fault::new("must be an object")),
        }
    }

    /// Takes a field.
    pub fn take<T: FromJson>(&mut self, name: &str) -> Result<T> {
        match self.0.shift_remove(name) {
            Some(value) => T::from_json(value).map_err(|fault| in_field(fault, name)),
            None => T::absent().ok_or_else(|| in_field(Fault::new("is missing"), name)),
        }
    }

    /// Takes a field that has a default.
    pub fn take_or_default<T: FromJson + Default>(&mut self, name: &str) -> Result<T> {
        Ok(self.take::<Option<T>>(name)?.unwrap_or_default())
    }

    /// Whatever was not taken.
    pub fn rest(self) -> Map<String, Value> {
        self.0
    }

    /// Refuses fields that nobody took: a misspelt option must not pass for an absent one.
    pub fn end(self) -> Result<()> {
        match self.0.keys().next() {
            Some(name) => Err(in_field(Fault::new("is not known here"), name)),
            None => Ok(()),
        }
    }
}

fn in_field(fault: Fault, name: &str) -> Fault {
    fault.within(&format!(".{name}"))
}

/// One of a few names.
pub fn one_of<T: Copy>(value: &Value, names: &[(&str, T)]) -> Result<T> {
    let found = value.as_str().and_then(|text| names.iter().find(|(name, _)| *name == text));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        Fault::new(format!("must be one of {}", names.join(", ")))
    })
}

/// Builds an object field by field.
#[derive(Default)]
pub struct Object(Map<String, Value>);

impl Object {
    /// An object with a tag.
    pub fn tagged(name: &str, tag: &str) -> Self {
        Self::default().with(name, &tag)
    }

    /// Adds a field, unless it is absent.
    #[must_use]
    pub fn with(mut self, name: &str, value: &dyn ToJson) -> Self {
        if !value.is_absent() {
            self.0.insert(name.to_owned(), value.to_json());
        }
        self
    }

    /// The object.
    pub fn build(self) -> Value {
        Value::Object(self.0)
    }
}

/// Writes a struct field by field; absent optional fields are left out.
macro_rules! to_json {
    ($type:ident { $($field:ident: $name:literal),* $(,)? }) => {
        impl $crate::domain::json::ToJson for $type {
            fn to_json(&self) -> serde_json::Value {
                $crate::domain::json::Object::default()$(.with($name, &self.$field))*.build()
            }
        }
    };
}

/// Reads and writes a struct field by field; unknown fields are refused.
macro_rules! json {
    ($type:ident { $($field:ident: $name:literal),* $(,)? }) => {
        $crate::domain::json::to_json!($type { $($field: $name),* });
        $crate::domain::json::from_json!($type { $($field: $name),* });
    };
}

/// Reads a struct field by field; unknown fields are refused.
macro_rules! from_json {
    ($type:ident { $($field:ident: $name:literal),* $(,)? }) => {
        impl $crate::domain::json::FromJson for $type {
            fn from_json(value: serde_json::Value) -> std::result::Result<Self, $crate::domain::json::Fault> {
                let mut fields = $crate::domain::json::Fields::of(value)?;
                let read = Self { $($field: fields.take($name)?),* };
                fields.end()?;
                Ok(read)
            }
        }
    };
}

/// Names the variants of an enum without fields.
macro_rules! named {
    ($type:ident { $($variant:ident: $name:literal),* $(,)? }) => {
        impl $type {
            /// Its public name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }

        impl $crate::domain::json::ToJson for $type {
            fn to_json(&self) -> serde_json::Value {
                self.name().to_json()
            }
        }

        impl $crate::domain::json::FromJson for $type {
            fn from_json(value: serde_json::Value) -> std::result::Result<Self, $crate::domain::json::Fault> {
                $crate::domain::json::one_of(&value, &[$(($name, Self::$variant)),*])
            }
        }
    };
}

pub(crate) use {from_json, json, named, to_json};

macro_rules! to_json_by {
    ($($type:ty: $value:ident => $json:expr),* $(,)?) => {
        $(impl ToJson for $type {
            fn to_json(&self) -> Value {
                let $value = self;
                $json
            }
        })*
    };
}

to_json_by! {
    (): _unit => Value::Null,
    Value: value => value.clone(),
    Map<String, Value>: fields => Value::Object(fields.clone()),
    &str: text => Value::String((*text).to_owned()),
    String: text => Value::String(text.clone()),
    Key: text => Value::String(text.as_str().to_owned()),
    bool: flag => Value::Bool(*flag),
    u64: number => Value::from(*number),
    usize: number => Value::from(*number as u64),
}

impl<T: ToJson> ToJson for Option<T> {
    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToJson::to_json)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: ToJson> ToJson for Rc<T> {
    fn to_json(&self) -> Value {
        (**self).to_json()
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(&self) -> Value {
        Value::Array(self.iter().map(ToJson::to_json).collect())
    }
}

impl FromJson for Value {
    fn from_json(value: Value) -> Result<Self> {
        Ok(value)
    }

    fn null() -> Option<Self> {
        Some(Value::Null)
    }
}

impl FromJson for Map<String, Value> {
    fn from_json(value: Value) -> Result<Self> {
        Fields::of(value).map(Fields::rest)
    }
}

impl FromJson for String {
    fn from_json(value: Value) -> Result<Self> {
        match value {
            Value::String(text) => Ok(text),
            _ => Err(Fault::new("must be a string")),
        }
    }
}

impl FromJson for Key {
    fn from_json(value: Value) -> Result<Self> {
        String::from_json(value).map(Key::from)
    }
}

impl FromJson for bool {
    fn from_json(value: Value) -> Result<Self> {
        value.as_bool().ok_or_else(|| Fault::new("must be true or false"))
    }
}

/// The largest integer that JavaScript counts without gaps.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

impl FromJson for u64 {
    fn from_json(value: Value) -> Result<Self> {
        match value.as_f64() {
            Some(number) if number.fract() == 0.0 && (0.0..=MAX_SAFE_INTEGER).contains(&number) => Ok(number as u64),
            _ => Err(Fault::new("must be a whole number from 0 to 2^53 - 1")),
        }
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: Value) -> Result<Self> {
        if value.is_null() { Ok(T::null()) } else { T::from_json(value).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromJson> FromJson for Rc<T> {
    fn from_json(value: Value) -> Result<Self> {
        T::from_json(value).map(Rc::new)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: Value) -> Result<Self> {
        let Value::Array(items) = value else { return Err(Fault::new("must be an array")) };
        let read = |(place, item)| T::from_json(item).map_err(|fault| fault.within(&format!("[{place}]")));
        items.into_iter().enumerate().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Sample {
        name: String,
        counts: Option<Vec<u64>>,
        any: Option<Value>,
    }
    json!(Sample { name: "name", counts: "counts", any: "any" });

    fn fault(value: Value) -> String {
        Sample::from_json(value).unwrap_err().within("sample").to_string()
    }

    #[test]
    fn a_fault_names_its_path() {
        assert_eq!(
            fault(serde_json::json!({"name": "x", "counts": [1, -2]})),
            "sample.counts[1] must be a whole number from 0 to 2^53 - 1"
        );
        assert_eq!(fault(serde_json::json!({"name": "x", "count": 1})), "sample.count is not known here");
        assert_eq!(fault(serde_json::json!({})), "sample.name is missing");
        assert_eq!(fault(serde_json::json!([])), "sample must be an object");
    }

    #[test]
    fn an_optional_value_tells_null_from_nothing() {
        let read = |value| Sample::from_json(value).unwrap();
        assert_eq!(
            read(serde_json::json!({"name": "x", "any": null, "counts": null})),
            Sample { name: "x".into(), counts: None, any: Some(Value::Null) }
        );
        assert_eq!(read(serde_json::json!({"name": "x"})), Sample { name: "x".into(), counts: None, any: None });
    }
}
