//! A validator that knows `type` and `properties`: enough to tell that a store's registry asks it.

use std::rc::Rc;

use longwait_core::model::{
    payload::Payload,
    schema::{SchemaHost, Validator},
};
use serde_json::Value;

use super::AsJson;

/// Understands `type` and `properties`.
pub struct TypesAlone;

struct Shape(Value);

impl SchemaHost for TypesAlone {
    fn compile(&self, schema: &Payload, _is_new: bool) -> Result<Rc<dyn Validator>, String> {
        let schema = schema.json();
        let nested = schema["properties"].as_object().into_iter().flat_map(|properties| properties.values());
        for schema in nested.chain([&schema]) {
            let name = schema["type"].as_str();
            if !name.is_some_and(|name| ["object", "string", "number"].contains(&name)) {
                return Err(format!("unknown type {name:?}"));
            }
        }
        Ok(Rc::new(Shape(schema)))
    }
}

impl Validator for Shape {
    fn faults(&self, payload: &Payload) -> Vec<String> {
        let mut faults = Vec::new();
        compare(&self.0, &payload.json(), "", &mut faults);
        faults
    }
}

fn compare(schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    let found = match value {
        Value::Object(_) => "object",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Null | Value::Bool(_) | Value::Array(_) => "something else",
    };
    if schema["type"] != found {
        faults.push(format!("{path}: is not of type {}", schema["type"]));
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            compare(schema, value, &format!("{path}/{name}"), faults);
        }
    }
}
