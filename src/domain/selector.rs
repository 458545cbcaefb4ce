//! How an event type picks values out of a payload.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::canonical;
use crate::error::{Code, Error, Result};

/// Picks or builds one value from a payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Selector {
    /// The whole payload.
    Payload,
    /// The value at a JSON pointer (RFC 6901); a miss is an error.
    Pointer(String),
    /// A fixed value.
    Const(Value),
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
    pub fn select(&self, payload: &Value) -> Result<Value> {
        match self {
            Selector::Payload => Ok(payload.clone()),
            Selector::Pointer(pointer) => payload
                .pointer(pointer)
                .cloned()
                .ok_or_else(|| Error::new(Code::InvalidPayload, format!("nothing in the payload at `{pointer}`"))),
            Selector::Const(value) => Ok(value.clone()),
            Selector::Template { template, fields } => {
                let fields = fields
                    .iter()
                    .map(|(name, selector)| Ok((name.as_str(), text(&selector.select(payload)?))))
                    .collect::<Result<Vec<_>>>()?;
                Ok(Value::String(render(template, &fields)))
            }
            Selector::Present(pointer) => Ok(Value::Bool(payload.pointer(pointer).is_some())),
        }
    }
}

/// A string as it is, anything else as JSON.
pub fn text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => canonical::to_string(value),
    }
}

/// Whether a wake condition holds: null, false, "", [] and {} do not; every number does.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// One pass from left to right, so that a value which contains `{other}` is not expanded again.
/// Braces that name no field stay as they are.
fn render(template: &str, fields: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
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

impl TryFrom<Value> for Selector {
    type Error = String;

    fn try_from(value: Value) -> std::result::Result<Self, String> {
        let expected = "a selector is \"payload\", {pointer}, {const}, {template, fields} or {present}";
        let mut fields = match value {
            Value::String(name) if name == "payload" => return Ok(Selector::Payload),
            Value::Object(fields) => fields,
            _ => return Err(expected.into()),
        };
        let text = |fields: &mut Map<String, Value>, name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("selector field `{name}` must be a string")),
            None => Ok(None),
        };
        let selector = if let Some(value) = fields.remove("const") {
            Selector::Const(value)
        } else if let Some(pointer) = text(&mut fields, "pointer")? {
            Selector::Pointer(well_formed(pointer)?)
        } else if let Some(pointer) = text(&mut fields, "present")? {
            Selector::Present(well_formed(pointer)?)
        } else if let Some(template) = text(&mut fields, "template")? {
            Selector::Template { template, fields: named(fields.remove("fields"))? }
        } else {
            return Err(expected.into());
        };
        match fields.is_empty() {
            true => Ok(selector),
            false => Err(expected.into()),
        }
    }
}

fn well_formed(pointer: String) -> std::result::Result<String, String> {
    match pointer.is_empty() || pointer.starts_with('/') {
        true => Ok(pointer),
        false => Err(format!("JSON pointer `{pointer}` must be empty or start with `/`")),
    }
}

fn named(fields: Option<Value>) -> std::result::Result<Vec<(String, Selector)>, String> {
    match fields {
        None => Ok(Vec::new()),
        Some(Value::Object(fields)) => {
            fields.into_iter().map(|(name, selector)| Ok((name, Selector::try_from(selector)?))).collect()
        }
        Some(_) => Err("selector field `fields` must be an object".into()),
    }
}

impl From<Selector> for Value {
    fn from(selector: Selector) -> Self {
        let object = |pairs: &[(&str, Value)]| {
            Value::Object(pairs.iter().map(|(name, value)| ((*name).into(), value.clone())).collect())
        };
        match selector {
            Selector::Payload => Value::String("payload".into()),
            Selector::Pointer(pointer) => object(&[("pointer", Value::String(pointer))]),
            Selector::Const(value) => object(&[("const", value)]),
            Selector::Present(pointer) => object(&[("present", Value::String(pointer))]),
            Selector::Template { template, fields } => {
                let fields = fields.into_iter().map(|(name, selector)| (name, selector.into())).collect();
                object(&[("template", Value::String(template)), ("fields", Value::Object(fields))])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn selector(value: Value) -> Selector {
        Selector::try_from(value).expect("a selector")
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
        assert_eq!(selector(json!({"const": null})).select(&json!(1)).unwrap(), Value::Null);
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
            assert!(!truthy(&value), "{value}");
        }
        for value in [json!(0), json!(-1), json!(true), json!("x"), json!([0]), json!({"a": null})] {
            assert!(truthy(&value), "{value}");
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
            assert_eq!(Value::from(selector(value.clone())), value);
        }
        for value in [
            json!("other"),
            json!({}),
            json!({"pointer": 1}),
            json!({"pointer": "a"}),
            json!({"pointer": "/a", "x": 1}),
        ] {
            assert!(Selector::try_from(value).is_err());
        }
    }
}
