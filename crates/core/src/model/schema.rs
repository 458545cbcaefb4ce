//! Payload schemas: JSON Schema, draft 2020-12, checked by whatever validator the host brings.
//!
//! The browser brings a JavaScript one that needs no `eval`; the native build uses the
//! `jsonschema` crate. A shared table of cases keeps the two in agreement.

use std::{cell::RefCell, rc::Rc};

use super::{
    event::ProcessEventType,
    key::ProcessId,
    payload::Payload,
    process::{ProcessRecord, Registered},
};
use crate::{
    error::{Code, Error, Result},
    unordered::Map,
};

/// Compiles schemas.
pub trait SchemaHost {
    /// The compiled schema, or why it cannot be compiled. One that `is_new`, as its registration is, may also be refused for what
    /// it would cost.
    fn compile(&self, schema: &Payload, is_new: bool) -> std::result::Result<Rc<dyn Validator>, String>;
}

/// A compiled schema.
pub trait Validator {
    /// What is wrong with a payload, each fault led by its instance path; empty where it fits.
    fn faults(&self, payload: &Payload) -> Vec<String>;
}

/// The validators of a registration, by event type; few enough to look through.
type Compiled = Vec<(String, Rc<dyn Validator>)>;

/// The compiled schemas of the registrations in use; compiled once per registration.
pub struct Schemas {
    host: Option<Rc<dyn SchemaHost>>,
    compiled: RefCell<Map<String, Rc<Compiled>>>,
}

/// Registrations whose schemas are kept compiled; the cache starts over beyond that.
/// A compiled schema takes a few KB, so the cache stays around a megabyte.
const KEPT: usize = 256;

/// The most characters of a schema, as JSON text within JSON text, and of all schemas of a registration.
const MAX_SCHEMA: usize = 262_144;
const MAX_ALL_SCHEMAS: usize = 4 * MAX_SCHEMA;
/// The most schemas of a registration: all of them are compiled when the first one is needed.
const MAX_SCHEMAS: usize = 256;
/// How deep a schema may be nested.
const MAX_SCHEMA_DEPTH: usize = 64;

fn is_deeper_than(value: &serde_json::Value, levels: usize) -> bool {
    let deeper = |value: &serde_json::Value| levels == 0 || is_deeper_than(value, levels - 1);
    match value {
        serde_json::Value::Array(items) => items.iter().any(deeper),
        serde_json::Value::Object(members) => members.values().any(deeper),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => false,
    }
}

impl Schemas {
    /// An empty cache over a validator.
    pub fn new(host: Rc<dyn SchemaHost>) -> Self {
        Self { host: Some(host), compiled: RefCell::default() }
    }

    /// Takes every payload: for what must be written whatever a registration declares of it.
    pub fn unchecked() -> Self {
        Self { host: None, compiled: RefCell::default() }
    }

    /// Compiles every schema of a new registration. [`Code::InvalidSchema`] names the first that cannot be, or that is too large.
    pub fn compile(&self, id: &ProcessId, registration_hash: &str, declared: &[ProcessEventType]) -> Result<()> {
        let (mut count, mut characters) = (0, 0);
        for event_type in declared {
            let Some(schema) = &event_type.payload_schema else { continue };
            let refuse = |what: String| {
                let what = format!("declares a schema for `{}` {what}", event_type.name);
                Err(Error::of(Code::InvalidSchema, id, what))
            };
            let length = schema.escaped_length();
            (count, characters) = (count + 1, characters + length);
            if length > MAX_SCHEMA {
                return refuse(format!("of more than {MAX_SCHEMA} characters"));
            }
            if is_deeper_than(&schema.value(), MAX_SCHEMA_DEPTH) {
                return refuse(format!("that is more than {MAX_SCHEMA_DEPTH} levels deep"));
            }
            if count > MAX_SCHEMAS || characters > MAX_ALL_SCHEMAS {
                let most = format!("{MAX_SCHEMAS} schemas or {MAX_ALL_SCHEMAS} characters of schemas");
                return refuse(format!("with which it has more than {most}"));
            }
        }
        self.compiled(id, registration_hash, declared, true).map(drop)
    }

    /// Checks a payload against its event type. [`Code::InvalidPayload`] lists the faults.
    pub fn check(&self, record: &ProcessRecord, declared: &ProcessEventType, payload: &Payload) -> Result<()> {
        if declared.payload_schema.is_none() || self.host.is_none() {
            return Ok(());
        }
        let Registered { registration, registration_hash, .. } = &*record.registered;
        let compiled = self.compiled(record.id(), registration_hash, &registration.event_types, false)?;
        let schema = compiled.iter().find(|(name, _)| *name == declared.name);
        let faults = schema.map(|(_, schema)| schema.faults(payload)).unwrap_or_default();
        if faults.is_empty() {
            return Ok(());
        }
        let what = format!("refused the payload of `{}`: {}", declared.name, faults.join("; "));
        Err(Error::of(Code::InvalidPayload, record.id(), what))
    }

    fn compiled(
        &self,
        id: &ProcessId,
        registration_hash: &str,
        declared: &[ProcessEventType],
        is_new: bool,
    ) -> Result<Rc<Compiled>> {
        if let Some(known) = self.compiled.borrow().get(registration_hash) {
            return Ok(known.clone());
        }
        let mut schemas = Vec::new();
        for event_type in declared {
            let (Some(schema), Some(host)) = (&event_type.payload_schema, &self.host) else { continue };
            let validator = host.compile(schema, is_new).map_err(|why| {
                let what = format!("declares a schema for `{}` that cannot be compiled: {why}", event_type.name);
                Error::of(Code::InvalidSchema, id, what)
            })?;
            schemas.push((event_type.name.clone(), validator));
        }
        let mut cache = self.compiled.borrow_mut();
        if cache.len() >= KEPT {
            cache.clear();
        }
        let compiled = Rc::new(schemas);
        cache.insert(registration_hash.to_owned(), compiled.clone());
        Ok(compiled)
    }
}
