//! What a caller misspelt is refused and named. In the browser the TypeScript in front does that (`js/border/`), since there
//! serde asks an object for the fields that it knows.

use longwait::model::{
    event::AppendRequest,
    filter::{ListFilter, Page},
    payload::Payload,
    process::ProcessRegistration,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn refusal<T: DeserializeOwned>(value: Value) -> String {
    match Payload::of(&value).unwrap().read::<T>() {
        Ok(_) => panic!("{value} was not refused"),
        Err(why) => why.to_string(),
    }
}

#[test]
fn an_unknown_field_is_refused_by_its_name() {
    for (name, value) in [("wakeTargets", json!(null)), ("eventtypes", json!([])), ("registrationHash", json!("x"))] {
        let why = refusal::<ProcessRegistration>(json!({"id": "p", name: value}));
        assert!(why.contains(name), "{why}");
    }
    assert!(refusal::<AppendRequest>(json!({"eventType": "note", "data": 1})).contains("data"));
    assert!(refusal::<ListFilter>(json!({"state": "running"})).contains("state"));
    assert!(refusal::<Page>(json!({"after": "a"})).contains("after"));
}
