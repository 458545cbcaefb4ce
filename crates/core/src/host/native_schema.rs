//! JSON Schema natively, by the `jsonschema` crate.

use std::rc::Rc;

use crate::model::{
    payload::Payload,
    schema::{SchemaHost, Validator},
};

/// Compiles with the `jsonschema` crate; formats are annotations, as 2020-12 has it.
pub struct NativeSchemas;

impl SchemaHost for NativeSchemas {
    fn compile(&self, schema: &Payload, _is_new: bool) -> Result<Rc<dyn Validator>, String> {
        let compiled = jsonschema::draft202012::options()
            .should_validate_formats(false)
            .build(&schema.value())
            .map_err(|fault| fault.to_string())?;
        Ok(Rc::new(Compiled(compiled)))
    }
}

struct Compiled(jsonschema::Validator);

impl Validator for Compiled {
    fn faults(&self, payload: &Payload) -> Vec<String> {
        let payload = payload.value();
        let faults = self.0.iter_errors(&payload).take(10);
        faults.map(|fault| format!("{}: {fault}", place(fault.instance_path().as_str()))).collect()
    }
}

/// An instance path as the message shows it.
fn place(path: &str) -> &str {
    if path.is_empty() { "(root)" } else { path }
}
