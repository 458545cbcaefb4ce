//! Where two JSON values first differ, in words for a message.

use serde::Serialize;
use serde_json::{Map, Value};

use super::payload::Payload;
use crate::text::short;

/// The first place at which two values differ, in the order of the first one's fields.
#[derive(Debug, PartialEq)]
pub struct Difference {
    path: String,
    stored: Option<Value>,
    given: Option<Value>,
}

/// Where `given` first differs from `stored`; `None` where they are equal as JSON.
pub fn first<T: Serialize>(stored: &T, given: &T) -> Option<Difference> {
    let value = |of: &T| Payload::of(of).map(|payload| payload.value()).unwrap_or_default();
    between(&value(stored), &value(given))
}

fn between(stored: &Value, given: &Value) -> Option<Difference> {
    match (stored, given) {
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        (Value::Array(one), Value::Array(other)) => {
            let mut places = 0..one.len().max(other.len());
            places.find_map(|place| pair(one.get(place), other.get(place), || format!("[{place}]")))
        }
        (Value::Object(one), Value::Object(other)) => fields(one, other),
        (one, other) if one == other => None,
        (one, other) => Some(Difference { path: String::new(), stored: Some(one.clone()), given: Some(other.clone()) }),
    }
}

fn fields(stored: &Map<String, Value>, given: &Map<String, Value>) -> Option<Difference> {
    let differs = stored.iter().find_map(|(name, value)| pair(Some(value), given.get(name), || step(name)));
    let added = || given.iter().find(|(name, _)| !stored.contains_key(*name));
    differs.or_else(|| added().and_then(|(name, value)| pair(None, Some(value), || step(name))))
}

fn pair(stored: Option<&Value>, given: Option<&Value>, step: impl Fn() -> String) -> Option<Difference> {
    let differs = match (stored, given) {
        (Some(stored), Some(given)) => between(stored, given)?,
        (stored, given) => Difference { path: String::new(), stored: stored.cloned(), given: given.cloned() },
    };
    Some(Difference { path: step() + &differs.path, ..differs })
}

/// A field as a step of a path, as refusals of arguments write it.
pub fn step(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_alphabetic() || matches!(first, '$' | '_'))
        && name.chars().all(|char| char.is_alphanumeric() || matches!(char, '$' | '_'));
    match plain {
        true => format!(".{}", short(name)),
        false => format!("[{}]", Value::from(short(name))),
    }
}

impl Difference {
    /// The place, which `name` begins, and both values, of long ones the beginning.
    pub fn text(&self, name: &str) -> String {
        let shown = |value: &Option<Value>| {
            value.as_ref().map_or_else(|| "nothing".to_owned(), |value| short(&value.to_string()))
        };
        format!("{name}{}: {} is stored, {} was given", self.path, shown(&self.stored), shown(&self.given))
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(stored: Value, given: Value) -> String {
        first(&stored, &given).map_or_else(|| "equal".to_owned(), |differs| differs.text("it"))
    }

    #[test]
    fn equal_values_do_not_differ_whatever_the_order_of_their_fields() {
        assert_eq!(text(json!({"a": [1, null], "b": "x"}), json!({"b": "x", "a": [1.0, null]})), "equal");
        assert_eq!(text(json!(0.0), json!(-0.0)), "equal");
    }

    #[test]
    fn the_first_difference_is_named_by_its_path_with_both_values() {
        assert_eq!(
            text(json!({"a": [1, {"b c": 2}]}), json!({"a": [1, {"b c": "2"}]})),
            "it.a[1][\"b c\"]: 2 is stored, \"2\" was given"
        );
        assert_eq!(text(json!({"a": 1}), json!({"a": 1, "b": []})), "it.b: nothing is stored, [] was given");
        assert_eq!(text(json!([1, 2]), json!([1])), "it[1]: 2 is stored, nothing was given");
        assert_eq!(text(json!(1), json!(null)), "it: 1 is stored, null was given");
    }

    #[test]
    fn long_values_and_names_are_shortened() {
        let told = text(json!({"k": {"a": "x".repeat(1_000)}}), json!({"k": ["y".repeat(1_000)]}));
        assert!(told.len() < 250 && told.contains("xxx…") && told.contains("yyy…"), "{told}");
        let name = "n".repeat(1_000);
        let told = text(json!({ name: null }), json!({}));
        assert!(told.len() < 150, "{told}");
    }
}
