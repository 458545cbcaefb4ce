//! Our own types as JSON values and back, with errors that name the path.
//!
//! By hand rather than by `serde`'s derive: derived, this was three quarters of the wasm (800 of
//! 1,086 KB), because each type is compiled anew for every source and target of values and once
//! more for each tagged enum; and its errors name no path.

use std::rc::Rc;

use super::{
    MAX_COUNT, difference,
    key::Key,
    shape::{self, Shape},
    value::{Json, Map},
};
use crate::text::{decimal, join_with, text};

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
        Self { path: text![place, self.path], what: self.what }
    }

    /// In words: the path, and what is wrong there.
    pub fn text(&self) -> String {
        let path = self.path.strip_prefix(".").unwrap_or(&self.path);
        text![path, if path.is_empty() { "" } else { " " }, self.what]
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
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
    Field(Key),
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
                Place::Field(name) => path = text![path, difference::step(name)],
                Place::Item(number) => path = text![path, "[", decimal(*number as u64), "]"],
            }
        }
        self.fault = Some(Fault { path, what: what.to_owned() });
    }

    /// What must be there; a missing value is a fault.
    pub fn required(&mut self, value: Option<Json>) -> Json {
        value.unwrap_or_else(|| {
            self.fault("is missing");
            Json::Null
        })
    }

    /// Reads what stands under a name, or is missing there.
    pub fn read<T: FromJson>(&mut self, name: &str, value: Option<Json>) -> T {
        self.enter(name);
        let read = T::from_json(value, self);
        self.leave();
        read
    }

    /// The items of an array; none after a fault.
    fn items(&mut self, value: Option<Json>) -> Rc<Vec<Json>> {
        if let Json::List(items) = self.required(value) {
            return items;
        }
        self.fault("must be an array");
        Rc::default()
    }

    fn enter(&mut self, name: &str) {
        self.path.push(Place::Field(name.into()));
    }

    fn leave(&mut self) {
        self.path.pop();
    }

    /// The first fault, if any.
    pub fn end(&self) -> Result<(), Fault> {
        self.fault.clone().map_or(Ok(()), Err)
    }
}

/// Becomes a JSON value.
pub trait ToJson {
    /// The value as JSON.
    fn to_json(&self) -> Json;

    /// Whether a field of this value is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Made from a JSON value.
pub trait FromJson: Sized {
    /// Whether `null` is a value of its own. For most types an optional `null` is as good as none.
    const KNOWS_NULL: bool = false;

    /// The value in its own shape; some value after a fault. `None` is a missing field.
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self;
}

/// A value in its own shape, or what is wrong with it.
pub fn read<T: FromJson>(value: Json) -> Result<T, Fault> {
    let mut reader = Reader::default();
    let read = T::from_json(Some(value), &mut reader);
    reader.end().map(|()| read)
}

/// The fields of an object, taken out one by one.
pub struct Fields<'a> {
    left: Map,
    reader: &'a mut Reader,
}

impl<'a> Fields<'a> {
    /// The fields of `value`, which must be an object.
    pub fn of(value: Option<Json>, reader: &'a mut Reader) -> Self {
        let Json::Object(left) = reader.required(value) else {
            reader.fault("must be an object");
            return Self { left: Map::new(), reader };
        };
        Self { left: Rc::unwrap_or_clone(left), reader }
    }

    fn take_value(&mut self, name: &str) -> Option<Json> {
        let place = self.left.iter().position(|(found, _)| **found == *name)?;
        Some(self.left.remove(place).1)
    }

    /// Goes to a field and takes its value out.
    fn enter(&mut self, name: &str) -> Option<Json> {
        self.reader.enter(name);
        self.take_value(name)
    }

    /// Takes a field.
    pub fn take<T: FromJson>(&mut self, name: &str) -> T {
        let value = self.enter(name);
        let taken = T::from_json(value, self.reader);
        self.reader.leave();
        taken
    }

    /// Takes a field of a certain shape; `None` where it may be and is left out.
    pub(super) fn take_shaped(&mut self, name: &str, required: bool, shape: &Shape) -> Option<Json> {
        let value = self.enter(name);
        let nothing = value.is_none() || (!matches!(shape, Shape::Any) && value.as_ref().is_some_and(Json::is_null));
        let taken = (required || !nothing).then(|| shape::read(value, shape, self.reader));
        self.reader.leave();
        taken
    }

    /// Takes a field that has a default.
    pub fn take_or_default<T: FromJson + Default>(&mut self, name: &str) -> T {
        self.take::<Option<T>>(name).unwrap_or_default()
    }

    /// Takes a field that is one of a few names: which of them, by number.
    pub fn take_name(&mut self, name: &str, names: &[&str]) -> usize {
        let value = self.enter(name);
        let taken = one_of(value, names, self.reader);
        self.reader.leave();
        taken
    }

    /// Whatever was not taken.
    pub fn rest(self) -> Map {
        self.left
    }

    /// Refuses fields that nobody took: a misspelt option must not pass for an absent one.
    pub fn end(self) {
        if let Some((name, _)) = self.left.into_iter().next() {
            self.reader.path.push(Place::Field(name));
            self.reader.fault("is not known here");
            self.reader.path.pop();
        }
    }

    /// Something is wrong with the object as a whole.
    pub fn fault(&mut self, what: &str) {
        self.reader.fault(what);
    }
}

/// Which of a few names it is; the first one after a fault.
pub fn one_of(value: Option<Json>, names: &[&str], reader: &mut Reader) -> usize {
    let value = reader.required(value);
    let found = value.as_str().and_then(|text| names.iter().position(|name| *name == text));
    found.unwrap_or_else(|| {
        reader.fault(&text!["must be one of ", join_with(names, ", ")]);
        0
    })
}

/// Builds an object field by field.
#[derive(Clone, Default)]
pub struct Object(Map);

impl Object {
    /// An object with a tag.
    pub fn tagged(name: &str, tag: &str) -> Self {
        Self::default().with(name, &tag)
    }

    /// Adds a field, unless it is absent.
    #[must_use]
    pub fn with(mut self, name: &str, value: &dyn ToJson) -> Self {
        if !value.is_absent() {
            self.0.push((name.into(), value.to_json()));
        }
        self
    }

    /// The object.
    pub fn build(self) -> Json {
        Json::object(self.0)
    }
}

/// Writes a struct field by field; absent optional fields are left out.
macro_rules! to_json {
    ($type:ident { $($field:ident: $name:literal),* $(,)? }) => {
        impl $type {
            /// Its fields, for an object that may have more.
            #[allow(dead_code, reason = "few are part of a larger one")]
            pub(crate) fn object(&self) -> $crate::domain::json::Object {
                $crate::domain::json::Object::default()$(.with($name, &self.$field))*
            }
        }

        impl $crate::domain::json::ToJson for $type {
            fn to_json(&self) -> $crate::domain::value::Json {
                self.object().build()
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
            fn from_json(
                value: Option<$crate::domain::value::Json>,
                reader: &mut $crate::domain::json::Reader,
            ) -> Self {
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
            /// The public names of all.
            pub const NAMES: &[&str] = &[$first_name $(, $name)*];

            /// Its public name.
            pub const fn name(self) -> &'static str {
                match self { Self::$first => $first_name $(, Self::$variant => $name)* }
            }
        }

        impl $crate::domain::json::ToJson for $type {
            fn to_json(&self) -> $crate::domain::value::Json {
                self.name().to_json()
            }
        }

        impl $crate::domain::json::FromJson for $type {
            fn from_json(
                value: Option<$crate::domain::value::Json>,
                reader: &mut $crate::domain::json::Reader,
            ) -> Self {
                const VARIANTS: &[$type] = &[$type::$first $(, $type::$variant)*];
                let number = $crate::domain::json::one_of(value, Self::NAMES, reader);
                VARIANTS.get(number).copied().unwrap_or($type::$first)
            }
        }
    };
}

pub(crate) use {from_json, json, named, to_json};

macro_rules! to_json_by {
    ($($type:ty: $value:ident => $json:expr),* $(,)?) => {
        $(impl ToJson for $type {
            fn to_json(&self) -> Json {
                let $value = self;
                $json
            }
        })*
    };
}

to_json_by! {
    (): _unit => Json::Null,
    Json: value => value.clone(),
    Map: fields => Json::object(fields.clone()),
    str: text => Json::text(text),
    String: text => Json::text(text),
    Key: text => Json::Text(text.clone()),
    bool: flag => Json::Bool(*flag),
    u64: number => Json::Number(*number as f64),
    usize: number => Json::Number(*number as f64),
}

impl<T: ToJson> ToJson for Option<T> {
    fn to_json(&self) -> Json {
        self.as_ref().map_or(Json::Null, ToJson::to_json)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn to_json(&self) -> Json {
        (**self).to_json()
    }
}

impl<T: ToJson> ToJson for Rc<T> {
    fn to_json(&self) -> Json {
        (**self).to_json()
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(&self) -> Json {
        let mut items = Vec::new();
        self.iter().for_each(|item| items.push(item.to_json()));
        Json::list(items)
    }
}

impl FromJson for Json {
    const KNOWS_NULL: bool = true;

    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        reader.required(value)
    }
}

impl FromJson for Map {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        Fields::of(value, reader).rest()
    }
}

impl FromJson for String {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        Key::from_json(value, reader).as_str().to_owned()
    }
}

impl FromJson for Key {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        if let Json::Text(text) = reader.required(value) {
            return text;
        }
        reader.fault("must be a string");
        "".into()
    }
}

impl FromJson for bool {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        if let Json::Bool(flag) = reader.required(value) {
            return flag;
        }
        reader.fault("must be true or false");
        false
    }
}

impl FromJson for u64 {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        if let Json::Number(number) = reader.required(value)
            && number.fract() == 0.0
            && (0.0..=MAX_COUNT as f64).contains(&number)
        {
            return number as u64;
        }
        reader.fault("must be a whole number from 0 to 2^53 - 1");
        0
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        let value = value.filter(|value| T::KNOWS_NULL || !value.is_null())?;
        Some(T::from_json(Some(value), reader))
    }
}

impl<T: FromJson> FromJson for Rc<T> {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        Rc::new(T::from_json(value, reader))
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        let mut read = Vec::new();
        for (number, item) in reader.items(value).iter().enumerate() {
            reader.path.push(Place::Item(number));
            read.push(T::from_json(Some(item.clone()), reader));
            reader.leave();
        }
        read
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use crate::domain::value::tests::json as value;

    #[derive(Debug, PartialEq)]
    struct Sample {
        name: String,
        counts: Option<Vec<u64>>,
        any: Option<Json>,
    }
    json!(Sample { name: "name", counts: "counts", any: "any" });

    fn fault(value: Json) -> String {
        match read::<Sample>(value) {
            Ok(sample) => format!("{sample:?}"),
            Err(fault) => fault.within("sample").text(),
        }
    }

    #[test]
    fn a_fault_names_its_path() {
        assert_eq!(
            fault(value!({"name": "x", "counts": [1, -2]})),
            "sample.counts[1] must be a whole number from 0 to 2^53 - 1"
        );
        assert_eq!(fault(value!({"name": "x", "count": 1})), "sample.count is not known here");
        assert_eq!(fault(value!({})), "sample.name is missing");
        assert_eq!(fault(value!([])), "sample must be an object");
    }

    #[test]
    fn an_optional_value_tells_null_from_nothing() {
        let read = |value| super::read::<Sample>(value).unwrap();
        assert_eq!(
            read(value!({"name": "x", "any": null, "counts": null})),
            Sample { name: "x".into(), counts: None, any: Some(Json::Null) }
        );
        assert_eq!(read(value!({"name": "x"})), Sample { name: "x".into(), counts: None, any: None });
    }
}
