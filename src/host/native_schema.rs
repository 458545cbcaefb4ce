//! JSON Schema natively, by the `jsonschema` crate.

use std::rc::Rc;

use serde_json::Value;

use crate::domain::schema::{SchemaHost, Validator};

/// Compiles with the `jsonschema` crate; formats are annotations, as 2020-12 has it.
pub struct NativeSchemas;

impl SchemaHost for NativeSchemas {
    fn compile(&self, schema: &Value) -> Result<Rc<dyn Validator>, String> {
        let compiled = jsonschema::draft202012::options()
            .should_validate_formats(false)
            .build(schema)
            .map_err(|fault| fault.to_string())?;
        Ok(Rc::new(Compiled(compiled)))
    }
}

struct Compiled(jsonschema::Validator);

impl Validator for Compiled {
    fn faults(&self, payload: &Value) -> Vec<String> {
        let faults = self.0.iter_errors(payload).take(10);
        faults.map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
    }
}
