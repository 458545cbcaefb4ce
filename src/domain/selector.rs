//! How an event type picks values out of a payload.

use super::{
    canonical,
    json::{Fields, FromJson, Object, Reader, ToJson},
    value::Json,
};
use crate::{
    error::{Code, Error, Result},
    text,
};

/// Picks or builds one value from a payload.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// The whole payload.
    Payload,
    /// The value at a JSON pointer (RFC 6901); a miss is an error.
    Pointer(String),
    /// A fixed value.
    Const(Json),
    /// Text in which each `{name}` is replaced by the field selected under that name.
    Template {
        /// The text with its placeholders.
        template: String,
        /// What each placeholder stands for.
        fields: Vec<(String, Selector)>,
    },
    /// Whether a JSON pointer finds anything: `true` or `false`.
    Present(String),
}

impl Selector {
    /// The selected value. [`Code::InvalidPayload`] where a pointer finds nothing.
    pub fn select(&self, payload: &Json) -> Result<Json> {
        match self {
            Selector::Payload => Ok(payload.clone()),
            Selector::Pointer(pointer) => payload.pointer(pointer).cloned().ok_or_else(|| {
                Error::new(Code::InvalidPayload, text::text!["nothing in the payload at `", pointer, "`"])
            }),
            Selector::Const(value) => Ok(value.clone()),
            Selector::Template { template, fields } => {
                let mut filled = Vec::new();
                for (name, selector) in fields {
                    filled.push((name.as_str(), text(&selector.select(payload)?)));
                }
                Ok(Json::text(&render(template, &filled)))
            }
            Selector::Present(pointer) => Ok(Json::Bool(payload.pointer(pointer).is_some())),
        }
    }
}

/// A string as it is, anything else as JSON.
pub fn text(value: &Json) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => canonical::to_string(value),
    }
}

/// Whether a wake condition holds: null, false, "", [] and {} do not; every number does.
pub fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(flag) => *flag,
        Json::Number(_) => true,
        Json::Text(text) => !text.is_empty(),
        Json::List(items) => !items.is_empty(),
        Json::Object(fields) => !fields.is_empty(),
    }
}

/// One pass from left to right, so that a value which contains `{other}` is not expanded again.
/// Braces that name no field stay as they are.
fn render(template: &str, fields: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = text::halves(rest, b'{') {
        out.push_str(before);
        let named = fields.iter().find_map(|(name, value)| {
            let tail = after.strip_prefix(name)?.strip_prefix('}')?;
            Some((value, tail))
        });
        match named {
            Some((value, tail)) => {
                out.push_str(value);
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

impl FromJson for Selector {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        let expected = "must be \"payload\", {pointer}, {const}, {template, fields} or {present}";
        if value.as_ref().and_then(Json::as_str) == Some("payload") {
            return Selector::Payload;
        }
        let mut fields = Fields::of(value, reader);
        let selector = if let Some(value) = fields.take("const") {
            Selector::Const(value)
        } else if let Some(pointer) = fields.take("pointer") {
            Selector::Pointer(well_formed(pointer, &mut fields))
        } else if let Some(pointer) = fields.take("present") {
            Selector::Present(well_formed(pointer, &mut fields))
        } else if let Some(template) = fields.take("template") {
            Selector::Template { template, fields: fields.take_or_default::<Placeholders>("fields").0 }
        } else {
            fields.fault(expected);
            return Selector::Payload;
        };
        fields.end();
        selector
    }
}

fn well_formed(pointer: String, fields: &mut Fields) -> String {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        fields.fault(&text::text!["has JSON pointer `", pointer, "`, which must be empty or start with `/`"]);
    }
    pointer
}

#[derive(Default)]
struct Placeholders(Vec<(String, Selector)>);

impl FromJson for Placeholders {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        let mut selectors = Vec::new();
        for (name, value) in Fields::of(value, reader).rest() {
            selectors.push((name.as_str().to_owned(), reader.read(&name, Some(value))));
        }
        Self(selectors)
    }
}

impl ToJson for Selector {
    fn to_json(&self) -> Json {
        let object = Object::default();
        match self {
            Selector::Payload => return "payload".to_json(),
            Selector::Pointer(pointer) => object.with("pointer", pointer),
            Selector::Const(value) => object.with("const", value),
            Selector::Present(pointer) => object.with("present", pointer),
            Selector::Template { template, fields } => {
                let named = fields.iter().fold(Object::default(), |all, (name, selector)| all.with(name, selector));
                object.with("template", template).with("fields", &named.build())
            }
        }
        .build()
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use crate::domain::value::tests::json;

    fn selector(value: Json) -> Selector {
        crate::domain::json::read(value).unwrap_or_else(|fault| panic!("{}", fault.text()))
    }

    #[test]
    fn a_template_is_filled_in_one_pass() {
        let template = selector(json!({
            "template": "{a} and {b}, {unknown} {",
            "fields": {"a": {"pointer": "/a"}, "b": {"pointer": "/b"}}
        }));
        let filled = template.select(&json!({"a": "{b}", "b": {"z": 1, "y": [true]}}));
        assert_eq!(filled.unwrap(), json!("{b} and {\"y\":[true],\"z\":1}, {unknown} {"));
    }

    #[test]
    fn a_constant_null_is_a_selector_too() {
        assert_eq!(selector(json!({"const": null})).select(&json!(1)).unwrap(), Json::Null);
    }

    #[test]
    fn pointers_follow_rfc_6901() {
        let payload = json!({"a/b": [10, {"m~n": 20}], "": 30});
        let at = |pointer: &str| Selector::Pointer(pointer.into()).select(&payload);
        assert_eq!(at("/a~1b/0").unwrap(), json!(10));
        assert_eq!(at("/a~1b/1/m~0n").unwrap(), json!(20));
        assert_eq!(at("/").unwrap(), json!(30));
        assert_eq!(at("").unwrap(), payload);
        assert_eq!(at("/a~1b/2").unwrap_err().code(), Code::InvalidPayload);
        assert_eq!(at("/a~1b/01").unwrap_err().code(), Code::InvalidPayload);
        assert_eq!(Selector::Present("/x".into()).select(&payload).unwrap(), json!(false));
    }

    #[test]
    fn only_empty_values_and_false_do_not_wake() {
        for value in [json!(null), json!(false), json!(""), json!([]), json!({})] {
            assert!(!truthy(&value), "{value:?}");
        }
        for value in [json!(0), json!(-1), json!(true), json!("x"), json!([0]), json!({"a": null})] {
            assert!(truthy(&value), "{value:?}");
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
            assert_eq!(selector(value.clone()).to_json(), value);
        }
        for value in [
            json!("other"),
            json!({}),
            json!({"pointer": 1}),
            json!({"pointer": "a"}),
            json!({"pointer": "/a", "x": 1}),
        ] {
            assert!(crate::domain::json::read::<Selector>(value).is_err());
        }
    }
}
