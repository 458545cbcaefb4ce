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

impl Fault {
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

/// Where reading is, and the first fault it met. Reading goes on after a fault, with some value
/// in place of the right one, and is refused at the end: code that cannot fail half-way needs no
/// way out of every step.
#[derive(Default)]
pub struct Reader {
    path: Vec<Place>,
    fault: Option<Fault>,
}

enum Place {
    Field(String),
    Item(usize),
}

impl Reader {
    /// Something is wrong with the value that is being read.
    pub fn fault(&mut self, what: &str) {
        if self.fault.is_some() {
            return;
        }
        let mut path = String::new();
        for place in &self.path {
            match place {
                Place::Field(name) => path = path + "." + name,
                Place::Item(number) => path = format!("{path}[{number}]"),
            }
        }
        self.fault = Some(Fault { path, what: what.to_owned() });
    }

    fn within<T>(&mut self, place: Place, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(place);
        let value = read(self);
        self.path.pop();
        value
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
    /// The value in its own shape; some value after a fault.
    fn from_json(value: Value, reader: &mut Reader) -> Self;

    /// What a missing field stands for; a required one is a fault.
    fn absent(reader: &mut Reader) -> Self {
        reader.fault("is missing");
        Self::from_json(Value::Null, reader)
    }

    /// What an optional `null` stands for: for most types the same as a missing field.
    fn null() -> Option<Self> {
        None
    }
}

/// A value in its own shape, or what is wrong with it.
pub fn read<T: FromJson>(value: Value) -> Result<T, Fault> {
    let mut reader = Reader::default();
    let read = T::from_json(value, &mut reader);
    match reader.fault {
        None => Ok(read),
        Some(fault) => Err(fault),
    }
}

/// The fields of an object, taken out one by one.
pub struct Fields<'a> {
    left: Map<String, Value>,
    reader: &'a mut Reader,
}

impl<'a> Fields<'a> {
    /// The fields of `value`, which must be an object.
    pub fn of(value: Value, reader: &'a mut Reader) -> Self {
        let Value::Object(left) = value else {
            reader.fault("must be an object");
            return Self { left: Map::new(), reader };
        };
        Self { left, reader }
    }

    /// Takes a field.
    pub fn take<T: FromJson>(&mut self, name: &str) -> T {
        let value = self.left.shift_remove(name);
        self.reader.within(Place::Field(name.to_owned()), |reader| match value {
            Some(value) => T::from_json(value, reader),
            None => T::absent(reader),
        })
    }

    /// Takes a field that has a default.
    pub fn take_or_default<T: FromJson + Default>(&mut self, name: &str) -> T {
        self.take::<Option<T>>(name).unwrap_or_default()
    }

    /// Takes a field that is one of a few names.
    pub fn take_name<T: Copy>(&mut self, name: &str, names: &[(&str, T)], otherwise: T) -> T {
        let value: Value = self.take(name);
        self.reader.within(Place::Field(name.to_owned()), |reader| one_of(&value, names, otherwise, reader))
    }

    /// Whatever was not taken.
    pub fn rest(self) -> Map<String, Value> {
        self.left
    }

    /// Refuses fields that nobody took: a misspelt option must not pass for an absent one.
    pub fn end(self) {
        if let Some(name) = self.left.keys().next() {
            self.reader.within(Place::Field(name.clone()), |reader| reader.fault("is not known here"));
        }
    }

    /// Something is wrong with the object as a whole.
    pub fn fault(&mut self, what: &str) {
        self.reader.fault(what);
    }
}

/// One of a few names.
pub fn one_of<T: Copy>(value: &Value, names: &[(&str, T)], otherwise: T, reader: &mut Reader) -> T {
    let found = value.as_str().and_then(|text| names.iter().find(|(name, _)| *name == text));
    if let Some((_, meaning)) = found {
        return *meaning;
    }
    let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
    reader.fault(&format!("must be one of {}", names.join(", ")));
    otherwise
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
            fn from_json(value: serde_json::Value, reader: &mut $crate::domain::json::Reader) -> Self {
                let mut fields = $crate::domain::json::Fields::of(value, reader);
                let read = Self { $($field: fields.take($name)),* };
                fields.end();
                read
            }
        }
    };
}

/// Names the variants of an enum without fields.
macro_rules! named {
    ($type:ident { $first:ident: $first_name:literal $(, $variant:ident: $name:literal)* $(,)? }) => {
        impl $type {
            /// Its public name.
            pub const fn name(self) -> &'static str {
                match self { Self::$first => $first_name $(, Self::$variant => $name)* }
            }
        }

        impl $crate::domain::json::ToJson for $type {
            fn to_json(&self) -> serde_json::Value {
                self.name().to_json()
            }
        }

        impl $crate::domain::json::FromJson for $type {
            fn from_json(value: serde_json::Value, reader: &mut $crate::domain::json::Reader) -> Self {
                let names = &[($first_name, Self::$first) $(, ($name, Self::$variant))*];
                $crate::domain::json::one_of(&value, names, Self::$first, reader)
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

impl<T: ToJson> ToJson for &T {
    fn to_json(&self) -> Value {
        (**self).to_json()
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
    fn from_json(value: Value, _: &mut Reader) -> Self {
        value
    }

    fn null() -> Option<Self> {
        Some(Value::Null)
    }
}

impl FromJson for Map<String, Value> {
    fn from_json(value: Value, reader: &mut Reader) -> Self {
        Fields::of(value, reader).rest()
    }
}

impl FromJson for String {
    fn from_json(value: Value, reader: &mut Reader) -> Self {
        match value {
            Value::String(text) => text,
            _ => {
                reader.fault("must be a string");
                String::new()
            }
        }
    }
}

impl FromJson for Key {
    fn from_json(value: Value, reader: &mut Reader) -> Self {
        String::from_json(value, reader).into()
    }
}

impl FromJson for bool {
    fn from_json(value: Value, reader: &mut Reader) -> Self {
        value.as_bool().unwrap_or_else(|| {
            reader.fault("must be true or false");
            false
        })
    }
}

/// The largest integer that JavaScript counts without gaps.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

impl FromJson for u64 {
    fn from_json(value: Value, reader: &mut Reader) -> Self {
        match value.as_f64() {
            Some(number) if number.fract() == 0.0 && (0.0..=MAX_SAFE_INTEGER).contains(&number) => number as u64,
            _ => {
                reader.fault("must be a whole number from 0 to 2^53 - 1");
                0
            }
        }
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: Value, reader: &mut Reader) -> Self {
        if value.is_null() { T::null() } else { Some(T::from_json(value, reader)) }
    }

    fn absent(_: &mut Reader) -> Self {
        None
    }
}

impl<T: FromJson> FromJson for Rc<T> {
    fn from_json(value: Value, reader: &mut Reader) -> Self {
        Rc::new(T::from_json(value, reader))
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: Value, reader: &mut Reader) -> Self {
        let Value::Array(items) = value else {
            reader.fault("must be an array");
            return Vec::new();
        };
        let mut read = Vec::with_capacity(items.len());
        for (number, item) in items.into_iter().enumerate() {
            read.push(reader.within(Place::Item(number), |reader| T::from_json(item, reader)));
        }
        read
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
        read::<Sample>(value).unwrap_err().within("sample").to_string()
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
        let read = |value| super::read::<Sample>(value).unwrap();
        assert_eq!(
            read(serde_json::json!({"name": "x", "any": null, "counts": null})),
            Sample { name: "x".into(), counts: None, any: Some(Value::Null) }
        );
        assert_eq!(read(serde_json::json!({"name": "x"})), Sample { name: "x".into(), counts: None, any: None });
    }
}
