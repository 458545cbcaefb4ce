//! Documents of the caller that the rules keep and hardly look into: what they must look like, as data.
//!
//! One function goes along such a description. As types of their own, each would bring its own code to be read, written,
//! copied and dropped.

use super::{
    json::{Fields, FromJson, Object, Reader, ToJson, one_of},
    key::Key,
    value::{Json, Map},
};

/// What a value must look like.
pub enum Shape {
    /// Anything, `null` too.
    Any,
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// A whole number from 0 to 2^53 - 1.
    Count,
    /// One of a few strings.
    Name(&'static [&'static str]),
    /// An object with whatever fields.
    Map,
    /// An object with these fields and no others.
    Object(&'static [Field]),
    /// An object with these fields and perhaps others, which are kept.
    Open(&'static [Field]),
    /// An object with a tag, by whose value its other fields go.
    Tagged(&'static str, &'static [(&'static str, &'static [Field])]),
}

/// A field of an object: its name, whether it must be there, and what it looks like.
pub struct Field(pub &'static str, pub bool, pub Shape);

/// A field that must be there.
pub const fn required(name: &'static str, shape: Shape) -> Field {
    Field(name, true, shape)
}

/// A field that may be left out. Unless it may be anything, `null` is as good as leaving it out.
pub const fn optional(name: &'static str, shape: Shape) -> Field {
    Field(name, false, shape)
}

/// A value that looks like its shape, without what is as good as left out; some value after a fault.
pub fn read(value: Option<Json>, shape: &Shape, reader: &mut Reader) -> Json {
    match shape {
        Shape::Any => reader.required(value),
        Shape::Text => Key::from_json(value, reader).to_json(),
        Shape::Texts => Vec::<Key>::from_json(value, reader).to_json(),
        Shape::Count => u64::from_json(value, reader).to_json(),
        Shape::Name(names) => names.get(one_of(value, names, reader)).to_json(),
        Shape::Map => Map::from_json(value, reader).to_json(),
        Shape::Object(wanted) => {
            let mut fields = Fields::of(value, reader);
            let read = take(&mut fields, wanted, Object::default());
            fields.end();
            read.build()
        }
        Shape::Open(wanted) => {
            let mut fields = Fields::of(value, reader);
            let mut read = take(&mut fields, wanted, Object::default());
            for (name, value) in fields.rest() {
                read = read.with(&name, &value);
            }
            read.build()
        }
        Shape::Tagged(tag, kinds) => {
            let mut fields = Fields::of(value, reader);
            let mut names = Vec::new();
            kinds.iter().for_each(|(name, _)| names.push(*name));
            let kind = fields.take_name(tag, &names);
            let Some((name, wanted)) = kinds.get(kind) else { return Json::Null };
            let read = take(&mut fields, wanted, Object::tagged(tag, name));
            fields.end();
            read.build()
        }
    }
}

fn take(fields: &mut Fields, wanted: &[Field], mut read: Object) -> Object {
    for Field(name, required, shape) in wanted {
        if let Some(value) = fields.take_shaped(name, *required, shape) {
            read = read.with(name, &value);
        }
    }
    read
}

/// Declares a document: a JSON value of a certain shape.
macro_rules! document {
    ($(#[$doc:meta])* $type:ident: $shape:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $type($crate::domain::value::Json);

        impl $crate::domain::json::ToJson for $type {
            fn to_json(&self) -> $crate::domain::value::Json {
                self.0.clone()
            }
        }

        impl $crate::domain::json::FromJson for $type {
            fn from_json(
                value: Option<$crate::domain::value::Json>,
                reader: &mut $crate::domain::json::Reader,
            ) -> Self {
                Self($crate::domain::shape::read(value, Self::SHAPE, reader))
            }
        }

        impl $type {
            /// What it must look like.
            pub const SHAPE: &$crate::domain::shape::Shape = &$shape;
        }
    };
}

pub(crate) use document;
