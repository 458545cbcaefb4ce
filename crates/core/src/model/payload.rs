//! What callers give: values that the rules pass along and hardly look into.
//!
//! This module decides how such a value is held, compared, hashed and picked apart. It refuses to know what the value
//! means. It is the one module with two bodies: natively a payload is a `serde_json` value, in the browser it is the
//! JavaScript value itself, so that it is never converted, whatever it weighs.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    error::{Code, Error, Result},
    text::hex,
};

#[cfg(target_family = "wasm")]
use browser as body;
#[cfg(not(target_family = "wasm"))]
use native as body;

/// A JSON value of a caller. Cloning shares it, and it is never changed in place.
#[derive(Clone, Debug)]
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(type = "null | boolean | number | string | Payload[] | { [key: string]: Payload }")
)]
pub struct Payload(body::Body);

impl Payload {
    /// `null`
    pub fn null() -> Self {
        Self(body::null())
    }

    /// The value of one of our own types. [`Code::Internal`] for a number beyond 2^53, which no type of ours holds.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        body::to_body(value).map(Self).map_err(|why| Error::new(Code::Internal, format!("a value has no JSON: {why}")))
    }

    /// An object with these members. The names are our own.
    pub fn object<const N: usize>(members: [(&str, Option<Payload>); N]) -> Self {
        let present = members.into_iter().filter_map(|(name, member)| Some((name, member?.0)));
        Self(body::object(present))
    }

    /// The value as one of our own types, or why it is none.
    pub fn read<T: DeserializeOwned>(&self) -> std::result::Result<T, String> {
        body::read(&self.0)
    }

    /// The value as `serde_json` has it: a copy, for what needs all of it.
    pub fn value(&self) -> serde_json::Value {
        body::value(&self.0)
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        body::is_null(&self.0)
    }

    /// Whether a wake condition holds: null, false, "", [] and {} do not; every number does.
    pub fn is_truthy(&self) -> bool {
        body::is_truthy(&self.0)
    }

    /// The names of the members, where it is an object.
    pub fn names(&self) -> Option<Vec<String>> {
        body::names(&self.0)
    }

    /// The string, where it is one.
    pub fn as_str(&self) -> Option<String> {
        body::as_str(&self.0)
    }

    /// The number, where it is a whole one from 0 to 2^53.
    pub fn as_u64(&self) -> Option<u64> {
        let number = body::as_number(&self.0).filter(|number| number.fract() == 0.0)?;
        (0.0..=9_007_199_254_740_992.0).contains(&number).then_some(number as u64)
    }

    /// The member of an object under a name, or of an array under an index.
    pub fn member(&self, name: &str) -> Option<Payload> {
        body::member(&self.0, name).map(Self)
    }

    /// What a JSON pointer (RFC 6901) finds.
    pub fn pointer(&self, pointer: &str) -> Option<Payload> {
        let Some(steps) = pointer.strip_prefix('/') else {
            return pointer.is_empty().then(|| self.clone());
        };
        steps.split('/').try_fold(self.clone(), |found, step| found.member(&step.replace("~1", "/").replace("~0", "~")))
    }

    /// Its canonical text (RFC 8785).
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        body::canonical(&self.0, &mut |piece| text.push_str(piece));
        text
    }

    /// A string as it is, anything else as canonical JSON.
    pub fn to_text(&self) -> String {
        self.as_str().unwrap_or_else(|| self.canonical())
    }

    /// The length of [`to_text`](Self::to_text) within a JSON text, in UTF-16 code units, without its quotes. The text is not
    /// made as a whole.
    pub fn escaped_length(&self) -> usize {
        if let Some(text) = self.as_str() {
            return escaped_length(&text);
        }
        let mut length = 0_usize;
        body::canonical(&self.0, &mut |piece| length = length.saturating_add(escaped_length(piece)));
        length
    }

    /// About how many bytes it takes: the length of its strings and names, and a constant for the rest.
    pub fn weight(&self) -> usize {
        body::weight(&self.0)
    }

    /// SHA-256, lower hex, over its canonical text. The text is hashed in pieces, and is never there as a whole.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        body::canonical(&self.0, &mut |piece| hash.update(piece));
        hex(&hash.finalize())
    }
}

/// The length of a text within a JSON text, in UTF-16 code units, without its quotes.
pub fn escaped_length(text: &str) -> usize {
    let mut length = 0_usize;
    for byte in text.bytes() {
        length = length.saturating_add(match byte {
            b'"' | b'\\' | b'\t' | b'\n' | b'\r' | 8 | 12 => 2,
            0..32 => 6,
            // A further byte of a character.
            0x80..0xc0 => 0,
            // The first of four, which are a surrogate pair.
            0xf0..=0xff => 2,
            _ => 1,
        });
    }
    length
}

impl Default for Payload {
    fn default() -> Self {
        Self::null()
    }
}

/// Equal as JSON: the order of members does not matter, and `1` and `1.0` are one number.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        Self(body::text(text))
    }
}

impl From<bool> for Payload {
    fn from(flag: bool) -> Self {
        Self(body::flag(flag))
    }
}

impl From<u64> for Payload {
    fn from(number: u64) -> Self {
        Self(body::number(number))
    }
}

/// Natively alone: a `serde_json` number may be one that JavaScript has none for.
#[cfg(not(target_family = "wasm"))]
impl From<serde_json::Value> for Payload {
    fn from(value: serde_json::Value) -> Self {
        Self(std::rc::Rc::new(value))
    }
}

#[cfg(target_family = "wasm")]
impl From<wasm_bindgen::JsValue> for Payload {
    /// A value that the TypeScript in front has found to be JSON.
    fn from(value: wasm_bindgen::JsValue) -> Self {
        Self(value)
    }
}

#[cfg(target_family = "wasm")]
impl Payload {
    /// The JavaScript value. Its holder must not change it, see [`handed_out`].
    pub fn into_js(self) -> wasm_bindgen::JsValue {
        self.0
    }
}

/// The JavaScript value of one of our own types, for a holder that may change it: its payloads are copies.
#[cfg(target_family = "wasm")]
pub fn handed_out<T: Serialize + ?Sized>(value: &T) -> Result<wasm_bindgen::JsValue> {
    body::copying(|| Payload::of(value)).map(Payload::into_js)
}

impl From<&Payload> for serde_json::Value {
    fn from(payload: &Payload) -> Self {
        payload.value()
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        body::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        body::deserialize(deserializer).map(Self)
    }
}

/// The value of an optional field, `null` included: for `#[serde(deserialize_with)]`, as serde takes `null` for absence.
pub fn present<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Payload>, D::Error> {
    Payload::deserialize(deserializer).map(Some)
}

#[cfg(not(target_family = "wasm"))]
mod native {
    use std::rc::Rc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
    use serde_json::Value;

    use crate::ecmascript;

    pub type Body = Rc<Value>;

    pub fn null() -> Body {
        Rc::new(Value::Null)
    }

    pub fn text(text: &str) -> Body {
        Rc::new(text.into())
    }

    pub fn flag(flag: bool) -> Body {
        Rc::new(flag.into())
    }

    pub fn number(number: u64) -> Body {
        Rc::new(number.into())
    }

    pub fn object<'a>(members: impl Iterator<Item = (&'a str, Body)>) -> Body {
        Rc::new(Value::Object(members.map(|(name, member)| (name.to_owned(), Rc::unwrap_or_clone(member))).collect()))
    }

    pub fn names(body: &Body) -> Option<Vec<String>> {
        Some(body.as_object()?.keys().cloned().collect())
    }

    pub fn to_body<T: Serialize + ?Sized>(value: &T) -> Result<Body, String> {
        serde_json::to_value(value).map(Rc::new).map_err(|fault| fault.to_string())
    }

    pub fn read<T: DeserializeOwned>(body: &Body) -> Result<T, String> {
        serde_path_to_error::deserialize(&**body).map_err(|fault| match fault.path().to_string().as_str() {
            "." => fault.inner().to_string(),
            path => format!("{path}: {}", fault.inner()),
        })
    }

    pub fn value(body: &Body) -> Value {
        (**body).clone()
    }

    pub fn is_null(body: &Body) -> bool {
        body.is_null()
    }

    pub fn is_truthy(body: &Body) -> bool {
        match &**body {
            Value::Null => false,
            Value::Bool(flag) => *flag,
            Value::Number(_) => true,
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
        }
    }

    pub fn as_str(body: &Body) -> Option<String> {
        body.as_str().map(str::to_owned)
    }

    pub fn as_number(body: &Body) -> Option<f64> {
        body.as_f64()
    }

    pub fn member(body: &Body, name: &str) -> Option<Body> {
        let found = match &**body {
            Value::Object(members) => members.get(name),
            Value::Array(items) => {
                // An index is written plainly: digits without a leading zero.
                let is_plain = name == "0" || !name.starts_with(['0', '+']);
                is_plain.then(|| items.get(name.parse::<usize>().ok()?)).flatten()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        found.cloned().map(Rc::new)
    }

    pub fn weight(body: &Value) -> usize {
        match body {
            Value::Null | Value::Bool(_) | Value::Number(_) => 8,
            Value::String(text) => text.len() + 8,
            Value::Array(items) => items.iter().map(weight).sum::<usize>() + 8,
            Value::Object(members) => {
                members.iter().map(|(name, member)| name.len() + weight(member)).sum::<usize>() + 8
            }
        }
    }

    pub fn serialize<S: Serializer>(body: &Body, serializer: S) -> Result<S::Ok, S::Error> {
        (**body).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Body, D::Error> {
        Value::deserialize(deserializer).map(Rc::new)
    }

    pub fn canonical(body: &Body, write: &mut dyn FnMut(&str)) {
        walk(body, write);
    }

    fn walk(value: &Value, write: &mut dyn FnMut(&str)) {
        match value {
            Value::Null => write("null"),
            Value::Bool(flag) => write(if *flag { "true" } else { "false" }),
            Value::Number(number) => write(&ecmascript::number(number.as_f64().unwrap_or(f64::NAN))),
            Value::String(text) => write(&quoted(text)),
            Value::Array(items) => {
                write("[");
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        write(",");
                    }
                    walk(item, write);
                }
                write("]");
            }
            Value::Object(members) => {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_unstable_by(|(a, _), (b, _)| crate::model::key::compare(a, b));
                write("{");
                for (place, (name, member)) in sorted.into_iter().enumerate() {
                    if place > 0 {
                        write(",");
                    }
                    write(&quoted(name));
                    write(":");
                    walk(member, write);
                }
                write("}");
            }
        }
    }

    /// `serde_json` escapes what RFC 8785 has escaped, in the same form.
    fn quoted(text: &str) -> String {
        serde_json::to_string(text).unwrap_or_default()
    }
}

#[cfg(target_family = "wasm")]
mod browser {
    use std::cell::Cell;

    use serde::{Deserializer, Serialize, Serializer, de::DeserializeOwned};
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen(module = "/src/model/payload.js")]
    extern "C" {
        #[wasm_bindgen(js_name = canonical)]
        fn js_canonical(value: &JsValue, write: &mut dyn FnMut(String));
        #[wasm_bindgen(js_name = copied)]
        fn js_copied(value: &JsValue) -> JsValue;
        #[wasm_bindgen(js_name = weight)]
        fn js_weight(value: &JsValue) -> f64;
        #[wasm_bindgen(js_name = member)]
        fn js_member(value: &JsValue, name: &str) -> JsValue;
        #[wasm_bindgen(js_name = truthy)]
        fn js_truthy(value: &JsValue) -> bool;
    }

    pub type Body = JsValue;

    pub fn null() -> Body {
        JsValue::NULL
    }

    pub fn text(text: &str) -> Body {
        JsValue::from_str(text)
    }

    pub fn flag(flag: bool) -> Body {
        JsValue::from_bool(flag)
    }

    pub fn number(number: u64) -> Body {
        JsValue::from_f64(number as f64)
    }

    pub fn object<'a>(members: impl Iterator<Item = (&'a str, Body)>) -> Body {
        let object = js_sys::Object::new();
        for (name, member) in members {
            // Setting a member of a plain object of our own cannot fail.
            let _ = js_sys::Reflect::set(&object, &JsValue::from_str(name), &member);
        }
        object.into()
    }

    pub fn names(body: &Body) -> Option<Vec<String>> {
        let is_object = body.is_object() && !js_sys::Array::is_array(body);
        is_object.then(|| {
            js_sys::Object::keys(body.unchecked_ref::<js_sys::Object>())
                .iter()
                .filter_map(|name| name.as_string())
                .collect()
        })
    }

    pub fn to_body<T: Serialize + ?Sized>(value: &T) -> Result<Body, String> {
        value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(|fault| fault.to_string())
    }

    pub fn read<T: DeserializeOwned>(body: &Body) -> Result<T, String> {
        serde_wasm_bindgen::from_value(body.clone()).map_err(|fault| fault.to_string())
    }

    pub fn value(body: &Body) -> serde_json::Value {
        // A payload is JSON, so reading it cannot fail.
        serde_wasm_bindgen::from_value(body.clone()).unwrap_or_default()
    }

    pub fn is_null(body: &Body) -> bool {
        body.is_null()
    }

    pub fn is_truthy(body: &Body) -> bool {
        js_truthy(body)
    }

    pub fn as_str(body: &Body) -> Option<String> {
        body.as_string()
    }

    pub fn as_number(body: &Body) -> Option<f64> {
        body.as_f64()
    }

    pub fn member(body: &Body, name: &str) -> Option<Body> {
        let found = js_member(body, name);
        (!found.is_undefined()).then_some(found)
    }

    pub fn weight(body: &Body) -> usize {
        js_weight(body) as usize
    }

    pub fn canonical(body: &Body, write: &mut dyn FnMut(&str)) {
        js_canonical(body, &mut |piece: String| write(&piece));
    }

    thread_local! {
        /// Whether payloads that are serialized are copied.
        static COPIES: Cell<bool> = const { Cell::new(false) };
    }

    pub fn copying<T>(work: impl FnOnce() -> T) -> T {
        let before = COPIES.replace(true);
        let done = work();
        COPIES.set(before);
        done
    }

    pub fn serialize<S: Serializer>(body: &Body, serializer: S) -> Result<S::Ok, S::Error> {
        match COPIES.get() {
            true => serde_wasm_bindgen::preserve::serialize(&js_copied(body), serializer),
            false => serde_wasm_bindgen::preserve::serialize(body, serializer),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Body, D::Error> {
        serde_wasm_bindgen::preserve::deserialize(deserializer)
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use serde_json::json;

    use super::*;

    fn payload(value: serde_json::Value) -> Payload {
        Payload::of(&value).unwrap()
    }

    #[test]
    fn the_rfc_8785_sample_comes_out_as_printed_there() {
        let sample = payload(json!({
            "numbers": [333_333_333.333_333_3, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u{20ac}$\u{000F}\u{000a}A'\u{0042}\u{0022}\u{005c}\\\"/",
            "literals": [null, true, false]
        }));
        assert_eq!(
            sample.canonical(),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
    }

    #[test]
    fn members_are_sorted_by_utf16_code_unit_at_every_depth() {
        let sample = payload(
            json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "😀": 5, "\u{80}": 6, "ö": {"b": 1, "a": 2}}),
        );
        assert_eq!(
            sample.canonical(),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":{\"a\":2,\"b\":1},\"€\":1,\"😀\":5,\"\u{fb33}\":3}"
        );
    }

    #[test]
    fn a_number_hashes_alike_whatever_type_carried_it() {
        assert_eq!(payload(json!([1, -0.0, 100])).hash(), payload(json!([1.0, 0, 1e2])).hash());
        assert_eq!(payload(json!(1)).hash(), "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
    }

    #[test]
    fn a_pointer_finds_what_rfc_6901_says() {
        let value = payload(json!({"a/b": [10, {"m~n": 20}], "": 30}));
        for (pointer, found) in [("/a~1b/1/m~0n", json!(20)), ("/", json!(30)), ("/a~1b/0", json!(10))] {
            assert_eq!(value.pointer(pointer), Some(payload(found)), "{pointer}");
        }
        for pointer in ["a", "/a", "/a~1b/2", "/a~1b/00", "/a~1b/01", "/a~1b/+1", "/a~1b/-", "/a~1b/length", "//x"] {
            assert_eq!(value.pointer(pointer), None, "{pointer}");
        }
        assert_eq!(value.pointer(""), Some(value.clone()));
    }
}
