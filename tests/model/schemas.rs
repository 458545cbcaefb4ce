//! The shared table of schemas, through the native validator. The browser's one runs the same table
//! in `tests/package/schema.test.mjs`, so that both take and refuse the same.

use longwait::{host::native_schema::NativeSchemas, model::schema::SchemaHost};
use serde_json::Value;

const TABLE: &str = include_str!("../fixtures/schema-cases.json");

#[test]
fn the_native_validator_agrees_with_the_table() {
    let table: Vec<Value> = serde_json::from_str(TABLE).unwrap();
    assert!(table.len() > 100, "the table is not whole");
    let differences: Vec<_> = table.iter().flat_map(differences).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Where the validator differs from an entry of the table. `compilesNatively` marks schemas that the
/// browser's validator refuses: this one looks at references and patterns only when they are used.
fn differences(entry: &Value) -> Vec<String> {
    let name = entry["name"].as_str().unwrap();
    let expected = entry["compiles"] == true || entry["compilesNatively"] == true;
    let validator = match NativeSchemas.compile(&entry["schema"].clone().into(), true) {
        Ok(_) if !expected => return vec![format!("{name}: compiles")],
        Err(why) if expected => return vec![format!("{name}: does not compile: {why}")],
        Ok(validator) => validator,
        Err(_) => return Vec::new(),
    };
    let mut differences = Vec::new();
    for case in entry["cases"].as_array().unwrap() {
        let payload = &case["payload"];
        let faults = validator.faults(&payload.clone().into());
        if faults.is_empty() != (case["valid"] == true) {
            differences.push(format!("{name}: {payload} has faults {faults:?}"));
        }
        for fault in faults {
            let (place, why) = fault.split_once(": ").unwrap();
            if why.is_empty() || !(place == "(root)" || place.starts_with('/')) {
                differences.push(format!("{name}: {payload} has a fault without a place: {fault}"));
            }
        }
    }
    differences
}
