//! Payload schemas: JSON Schema, draft 2020-12, checked by whatever validator the host brings.
//!
//! The browser brings a JavaScript one that needs no `eval`; the native build uses the
//! `jsonschema` crate. A shared table of cases keeps the two in agreement.

use std::{cell::RefCell, rc::Rc};

use super::{
    event::ProcessEventType,
    key::ProcessId,
    process::{ProcessRecord, Registered},
    table::ById,
    value::Json,
};
use crate::{
    error::{Code, Error, Result},
    text::{join_with, text},
};

/// Compiles schemas.
pub trait SchemaHost {
    /// The compiled schema, or why it cannot be compiled.
    fn compile(&self, schema: &Json) -> std::result::Result<Rc<dyn Validator>, String>;
}

/// A compiled schema.
pub trait Validator {
    /// What is wrong with a payload, each fault led by its instance path; empty where it fits.
    fn faults(&self, payload: &Json) -> Vec<String>;
}

/// The validators of a registration, by event type; few enough to look through.
type Compiled = Vec<(String, Rc<dyn Validator>)>;

/// The compiled schemas of the registrations in use; compiled once per registration.
pub struct Schemas {
    host: Option<Rc<dyn SchemaHost>>,
    compiled: RefCell<ById<Compiled>>,
}

/// Registrations whose schemas are kept compiled; the cache starts over beyond that.
/// A compiled schema takes a few KB, so the cache stays around a megabyte.
const KEPT: usize = 256;

impl Schemas {
    /// An empty cache over a validator.
    pub fn new(host: Rc<dyn SchemaHost>) -> Self {
        Self { host: Some(host), compiled: RefCell::default() }
    }

    /// Takes every payload: for what must be written whatever a registration declares of it.
    pub fn unchecked() -> Self {
        Self { host: None, compiled: RefCell::default() }
    }

    /// Compiles every schema of a registration. [`Code::InvalidSchema`] names the first that cannot be.
    pub fn compile(&self, id: &ProcessId, registration_hash: &str, declared: &[ProcessEventType]) -> Result<()> {
        self.compiled(id, registration_hash, declared).map(drop)
    }

    /// Checks a payload against its event type. [`Code::InvalidPayload`] lists the faults.
    pub fn check(&self, record: &ProcessRecord, declared: &ProcessEventType, payload: &Json) -> Result<()> {
        if declared.payload_schema.is_none() || self.host.is_none() {
            return Ok(());
        }
        let Registered { registration, registration_hash, .. } = &*record.registered;
        let compiled = self.compiled(record.id(), registration_hash, &registration.event_types)?;
        let schema = compiled.iter().find(|(name, _)| *name == declared.name);
        let faults = schema.map(|(_, schema)| schema.faults(payload)).unwrap_or_default();
        if faults.is_empty() {
            return Ok(());
        }
        let what = text!["refused the payload of `", declared.name, "`: ", join_with(&faults, "; ")];
        Err(Error::of(Code::InvalidPayload, record.id(), what))
    }

    fn compiled(&self, id: &ProcessId, registration_hash: &str, declared: &[ProcessEventType]) -> Result<Rc<Compiled>> {
        if let Some(known) = self.compiled.borrow().get(registration_hash) {
            return Ok(known);
        }
        let mut schemas = Vec::new();
        for event_type in declared {
            let (Some(schema), Some(host)) = (&event_type.payload_schema, &self.host) else { continue };
            let validator = host.compile(schema).map_err(|why| {
                let what = text!["declares a schema for `", event_type.name, "` that cannot be compiled: ", why];
                Error::of(Code::InvalidSchema, id, what)
            })?;
            schemas.push((event_type.name.clone(), validator));
        }
        let mut cache = self.compiled.borrow_mut();
        if cache.len() >= KEPT {
            *cache = ById::default();
        }
        Ok(cache.put(registration_hash, Rc::new(schemas)))
    }
}
