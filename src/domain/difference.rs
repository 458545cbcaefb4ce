//! Where two JSON values first differ, in words for a message.

use std::collections::BTreeMap;

use super::{
    canonical,
    key::Key,
    value::{Json, Map},
};
use crate::text::short;

/// The first place at which two values differ, in the order of the first one's fields.
#[derive(Debug, PartialEq)]
pub struct Difference {
    path: String,
    stored: Option<Json>,
    given: Option<Json>,
}

/// Where `given` first differs from `stored`; `None` where they are equal as JSON.
pub fn first(stored: &Json, given: &Json) -> Option<Difference> {
    match (stored, given) {
        (Json::Null, Json::Null) => None,
        (Json::Bool(one), Json::Bool(other)) if one == other => None,
        (Json::Number(one), Json::Number(other)) if one == other => None,
        (Json::Text(one), Json::Text(other)) if one == other => None,
        (Json::List(one), Json::List(other)) => {
            let longest = one.len().max(other.len());
            let mut places = 0..longest;
            places.find_map(|place| pair(one.get(place), other.get(place), || format!("[{place}]")))
        }
        (Json::Object(one), Json::Object(other)) => fields(one, other),
        (one, other) => Some(Difference { path: String::new(), stored: Some(one.clone()), given: Some(other.clone()) }),
    }
}

fn fields(stored: &Map, given: &Map) -> Option<Difference> {
    let mut left: BTreeMap<&Key, &Json> = given.iter().map(|(name, value)| (name, value)).collect();
    for (name, value) in stored {
        let differs = pair(Some(value), left.remove(name), || step(name));
        if differs.is_some() {
            return differs;
        }
    }
    let (name, value) = left.pop_first()?;
    pair(None, Some(value), || step(name))
}

fn pair(stored: Option<&Json>, given: Option<&Json>, step: impl Fn() -> String) -> Option<Difference> {
    let differs = match (stored, given) {
        (Some(stored), Some(given)) => first(stored, given)?,
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
        false => format!("[{}]", canonical::to_string(&Json::text(&short(name)))),
    }
}

impl Difference {
    /// The place, which `name` begins, and both values, of long ones the beginning.
    pub fn text(&self, name: &str) -> String {
        let shown = |value: &Option<Json>| value.as_ref().map_or_else(|| "nothing".to_owned(), canonical::short);
        format!("{name}{}: {} is stored, {} was given", self.path, shown(&self.stored), shown(&self.given))
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use crate::domain::value::tests::json;

    fn text(stored: Json, given: Json) -> String {
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
        let told = text(Json::object(vec![(name.as_str().into(), Json::Null)]), json!({}));
        assert!(told.len() < 150, "{told}");
    }
}
