//! How an event type picks values out of a payload.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap,
};

use super::payload::{Payload, escaped_length};
use crate::{
    error::{Code, Error, Result},
    text::{is_too_long, short},
    unordered::Map,
};

/// Picks or builds one value from a payload.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(
        type = "\"payload\" | { pointer: string } | { const: Payload } | { template: string, fields: { [name: string]: Selector } } | { present: string }"
    )
)]
pub enum Selector {
    /// The whole payload.
    Payload,
    /// The value at a JSON pointer (RFC 6901); a miss is an error.
    Pointer(String),
    /// A fixed value.
    Const(Payload),
    /// Text in which each `{name}` is replaced by the field selected under that name.
    Template {
        /// The text with its placeholders.
        template: String,
        /// What each placeholder stands for.
        fields: Fields,
    },
    /// Whether a JSON pointer finds anything: `true` or `false`.
    Present(String),
}

/// The fields of a template by their names, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(String, Selector)>);

/// The most characters that may be made of one payload: of all templates, wake inputs, dedupe keys and messages that one event
/// gives rise to, as UTF-16 code units of JSON text. A payload itself may have as many.
pub const MAX_MADE: usize = 33_554_432;

/// The most selectors of one event type, those in templates included: each of them may look through a large payload.
pub const MAX_SELECTORS: usize = 1_000;

/// What is left of [`MAX_MADE`] for one event.
pub struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_MADE)
    }
}

impl Budget {
    /// Takes so many characters off, before they are made. [`Code::InvalidPayload`] where fewer are left.
    pub fn spend(&mut self, characters: usize) -> Result<()> {
        let left = self.0.checked_sub(characters).ok_or_else(|| {
            let what = format!("it would make more than {MAX_MADE} characters of the payload");
            Error::new(Code::InvalidPayload, what)
        })?;
        self.0 = left;
        Ok(())
    }
}

impl Selector {
    /// The selected value. [`Code::InvalidPayload`] where a pointer finds nothing, or a template would make too much.
    pub fn select(&self, payload: &Payload, budget: &mut Budget) -> Result<Payload> {
        match self {
            Selector::Template { .. } => Ok(Payload::from(self.text(payload, budget)?.as_str())),
            Selector::Present(pointer) => Ok(Payload::from(payload.pointer(pointer).is_some())),
            Selector::Payload | Selector::Pointer(_) | Selector::Const(_) => self.found(payload),
        }
    }

    /// The selected value as text.
    pub fn text(&self, payload: &Payload, budget: &mut Budget) -> Result<String> {
        budget.spend(self.length(payload)?)?;
        self.made(payload)
    }

    /// Adds up the selectors in it, itself included, and looks for a field of a template whose name is too long.
    pub fn survey(&self) -> (usize, bool) {
        let Selector::Template { fields, .. } = self else { return (1, false) };
        let fields = fields.0.iter().map(|(name, field)| {
            let (count, too_long) = field.survey();
            (count, too_long || is_too_long(name))
        });
        fields.fold((1, false), |(count, one), (more, other)| (count + more, one || other))
    }

    /// Whether even the shortest text that it selects is longer than may be made.
    pub fn can_only_explode(&self) -> bool {
        self.shortest() > MAX_MADE
    }

    /// The length of the text, as [`MAX_MADE`] counts. Each field is measured once, so the work does not grow with the text.
    fn length(&self, payload: &Payload) -> Result<usize> {
        Ok(match self {
            Selector::Template { template, fields } => {
                let mut lengths = Vec::new();
                for (_, field) in &fields.0 {
                    lengths.push(field.length(payload)?);
                }
                filled_length(template, &fields.0, &lengths)
            }
            Selector::Present(pointer) => {
                if payload.pointer(pointer).is_some() {
                    4
                } else {
                    5
                }
            }
            Selector::Payload | Selector::Pointer(_) | Selector::Const(_) => self.found(payload)?.escaped_length(),
        })
    }

    fn shortest(&self) -> usize {
        match self {
            Selector::Template { template, fields } => {
                let lengths: Vec<_> = fields.0.iter().map(|(_, field)| field.shortest()).collect();
                filled_length(template, &fields.0, &lengths)
            }
            Selector::Const(value) => value.escaped_length(),
            Selector::Payload | Selector::Pointer(_) | Selector::Present(_) => 0,
        }
    }

    /// The text. Fields that the template does not name are not made, so what is held at once is bounded by what comes out.
    fn made(&self, payload: &Payload) -> Result<String> {
        match self {
            Selector::Template { template, fields } => {
                let pieces = pieces(template, &fields.0);
                let mut made = vec![None; fields.0.len()];
                let mut out = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => out.push_str(text),
                        Piece::Field(place) => {
                            let (Some((_, field)), Some(slot)) = (fields.0.get(place), made.get_mut(place)) else {
                                continue;
                            };
                            if slot.is_none() {
                                *slot = Some(field.made(payload)?);
                            }
                            out.push_str(slot.as_deref().unwrap_or_default());
                        }
                    }
                }
                Ok(out)
            }
            Selector::Present(pointer) => Ok(payload.pointer(pointer).is_some().to_string()),
            Selector::Payload | Selector::Pointer(_) | Selector::Const(_) => Ok(self.found(payload)?.to_text()),
        }
    }

    fn found(&self, payload: &Payload) -> Result<Payload> {
        let found = match self {
            Selector::Const(value) => Some(value.clone()),
            Selector::Pointer(pointer) => payload.pointer(pointer),
            Selector::Payload | Selector::Template { .. } | Selector::Present(_) => Some(payload.clone()),
        };
        let nothing = || match self {
            Selector::Pointer(pointer) => short(pointer),
            Selector::Payload | Selector::Const(_) | Selector::Template { .. } | Selector::Present(_) => String::new(),
        };
        found.ok_or_else(|| Error::new(Code::InvalidPayload, format!("nothing in the payload at `{}`", nothing())))
    }
}

/// A part of a template.
enum Piece<'a> {
    /// A text to copy.
    Text(&'a str),
    /// The place of a field.
    Field(usize),
}

/// The parts of a template. A name ends at the first brace that makes it the name of a field; braces that name none stay as
/// they are. One pass from left to right, so that a value which contains `{other}` is not expanded again.
fn pieces<'a>(template: &'a str, fields: &[(String, Selector)]) -> Vec<Piece<'a>> {
    let mut places = Map::default();
    for (place, (name, _)) in fields.iter().enumerate() {
        places.insert(name.as_str(), place);
    }
    let braces = |(name, _): &(String, Selector)| name.bytes().filter(|byte| *byte == b'}').count();
    let most_ends = fields.iter().map(braces).max().map_or(0, |most| most + 1);
    // Names are short, and a template need not be: no brace further away ends one.
    let longest = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        pieces.push(Piece::Text(before));
        let ends = after.bytes().take(longest + 1).enumerate().filter(|(_, byte)| *byte == b'}').take(most_ends);
        let mut names = ends.filter_map(|(end, _)| after.split_at_checked(end));
        let named = names.find_map(|(name, tail)| Some((*places.get(name)?, tail.get(1..)?)));
        match named {
            Some((place, tail)) => {
                pieces.push(Piece::Field(place));
                rest = tail;
            }
            None => {
                pieces.push(Piece::Text("{"));
                rest = after;
            }
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn filled_length(template: &str, fields: &[(String, Selector)], lengths: &[usize]) -> usize {
    let lengths = pieces(template, fields).into_iter().map(|piece| match piece {
        Piece::Text(text) => escaped_length(text),
        Piece::Field(place) => lengths.get(place).copied().unwrap_or_default(),
    });
    lengths.fold(0, usize::saturating_add)
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = match self {
            Selector::Payload => return serializer.serialize_str("payload"),
            Selector::Template { .. } => serializer.serialize_map(Some(2))?,
            Selector::Pointer(_) | Selector::Const(_) | Selector::Present(_) => serializer.serialize_map(Some(1))?,
        };
        match self {
            Selector::Payload => {}
            Selector::Pointer(pointer) => map.serialize_entry("pointer", pointer)?,
            Selector::Const(value) => map.serialize_entry("const", value)?,
            Selector::Present(pointer) => map.serialize_entry("present", pointer)?,
            Selector::Template { template, fields } => {
                map.serialize_entry("template", template)?;
                map.serialize_entry("fields", fields)?;
            }
        }
        map.end()
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, field)| (name, field)))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Named;

        impl<'de> Visitor<'de> for Named {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of selectors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some(field) = map.next_entry()? {
                    fields.0.push(field);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Named)
    }
}

/// Read by hand, since serde's derive for such a choice keeps a copy of what it reads, and a payload is no copy.
impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Selector;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Selector, E> {
                match text {
                    "payload" => Ok(Selector::Payload),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Selector, A::Error> {
                let (mut selector, mut template, mut fields) = (None, None, None);
                while let Some(name) = map.next_key::<String>()? {
                    let read = match name.as_str() {
                        "const" => Selector::Const(map.next_value()?),
                        "pointer" => Selector::Pointer(well_formed(map.next_value()?)?),
                        "present" => Selector::Present(well_formed(map.next_value()?)?),
                        "template" => {
                            template = Some(map.next_value()?);
                            continue;
                        }
                        "fields" => {
                            fields = Some(map.next_value::<Fields>()?);
                            continue;
                        }
                        other => return Err(A::Error::custom(format!("{other} is not known here"))),
                    };
                    if selector.replace(read).is_some() {
                        return Err(A::Error::custom("must be one selector"));
                    }
                }
                match (selector, template, fields) {
                    (Some(selector), None, None) => Ok(selector),
                    (None, Some(template), fields) => {
                        Ok(Selector::Template { template, fields: fields.unwrap_or_default() })
                    }
                    (_, _, _) => Err(A::Error::custom(format!("must be {EXPECTED}"))),
                }
            }
        }

        deserializer.deserialize_any(Any)
    }
}

const EXPECTED: &str = "\"payload\", {pointer}, {const}, {template, fields} or {present}";

fn well_formed<E: serde::de::Error>(pointer: String) -> std::result::Result<String, E> {
    match pointer.is_empty() || pointer.starts_with('/') {
        true => Ok(pointer),
        false => {
            Err(E::custom(format!("has JSON pointer `{}`, which must be empty or start with `/`", short(&pointer))))
        }
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn selector(value: Value) -> Selector {
        Payload::from(value).read().unwrap_or_else(|fault| panic!("{fault}"))
    }

    #[test]
    fn a_template_is_filled_in_one_pass() {
        let template = selector(json!({
            "template": "{a} and {b}, {unknown} {",
            "fields": {"a": {"pointer": "/a"}, "b": {"pointer": "/b"}}
        }));
        let filled = template.select(&json!({"a": "{b}", "b": {"z": 1, "y": [true]}}).into(), &mut Budget::default());
        assert_eq!(filled.unwrap(), Payload::from("{b} and {\"y\":[true],\"z\":1}, {unknown} {"));
    }

    #[test]
    fn a_name_in_a_template_ends_at_the_first_brace_that_makes_it_one() {
        let template = selector(json!({
            "template": "{a}b} {c}d} {c} {{a}} {",
            "fields": {"a}b": {"const": 1}, "a": {"const": 2}, "c}d": {"const": 3}}
        }));
        assert_eq!(
            template.select(&json!(null).into(), &mut Budget::default()).unwrap(),
            Payload::from("2b} 3 {c} {2} {")
        );
    }

    /// Doubles its text at each of so many levels.
    fn doubling(levels: usize, innermost: Value) -> Selector {
        let nested = |inner, _| json!({"template": "{x}{x}", "fields": {"x": inner}});
        selector((0..levels).fold(innermost, nested))
    }

    #[test]
    fn a_nested_template_is_measured_before_it_is_made() {
        let doubled = doubling(40, json!("payload"));
        assert_eq!(doubled.select(&json!("").into(), &mut Budget::default()).unwrap(), Payload::from(""));
        let refused = doubled.select(&json!("x").into(), &mut Budget::default()).unwrap_err();
        assert_eq!(refused.code(), Code::InvalidPayload);
        assert!(!doubled.can_only_explode() && doubling(40, json!({"const": "x"})).can_only_explode());
        let made = doubling(10, json!("payload")).select(&json!("ab").into(), &mut Budget::default()).unwrap();
        assert_eq!(made.as_str().unwrap().len(), 2_048);
    }

    #[test]
    fn what_is_made_is_bounded_as_json_text_and_over_all_that_one_event_makes() {
        let (mut budget, controls) = (Budget::default(), Payload::from("\u{1}".repeat(MAX_MADE / 12).as_str()));
        assert!(Selector::Payload.text(&controls, &mut budget).is_ok(), "six characters each");
        assert!(Selector::Payload.text(&controls, &mut budget).is_ok());
        assert_eq!(Selector::Payload.text(&controls, &mut budget).unwrap_err().code(), Code::InvalidPayload);
    }

    #[test]
    fn a_constant_null_is_a_selector_too() {
        assert_eq!(
            selector(json!({"const": null})).select(&json!(1).into(), &mut Budget::default()).unwrap(),
            Payload::null()
        );
    }

    #[test]
    fn a_pointer_that_finds_nothing_refuses_the_payload() {
        let payload = Payload::from(json!({"a": 1}));
        let at = |pointer: &str| Selector::Pointer(pointer.into()).select(&payload, &mut Budget::default());
        assert_eq!(at("/a").unwrap(), Payload::from(1));
        assert_eq!(at("").unwrap(), payload);
        assert_eq!(at("/b").unwrap_err().code(), Code::InvalidPayload);
        let present = Selector::Present("/x".into()).select(&payload, &mut Budget::default());
        assert_eq!(present.unwrap(), Payload::from(false));
    }

    #[test]
    fn only_empty_values_and_false_do_not_wake() {
        for value in [json!(null), json!(false), json!(""), json!([]), json!({})] {
            assert!(!Payload::from(value.clone()).is_truthy(), "{value:?}");
        }
        for value in [json!(0), json!(-1), json!(true), json!("x"), json!([0]), json!({"a": null})] {
            assert!(Payload::from(value.clone()).is_truthy(), "{value:?}");
        }
    }

    #[test]
    fn a_selector_reads_back_as_it_was_written() {
        for value in [
            json!("payload"),
            json!({"pointer": "/a"}),
            json!({"const": {"x": [1]}}),
            json!({"present": "/p"}),
            json!({"template": "{a}", "fields": {"a": "payload"}}),
        ] {
            assert_eq!(Payload::of(&selector(value.clone())).unwrap(), value.into());
        }
        for value in [
            json!("other"),
            json!({}),
            json!({"pointer": 1}),
            json!({"pointer": "a"}),
            json!({"pointer": "/a", "x": 1}),
        ] {
            assert!(Payload::from(value).read::<Selector>().is_err());
        }
    }
}
