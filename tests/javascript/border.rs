//! What JavaScript answers, in the shapes of the rules.

use longwait::{
    Code, Error, Result,
    model::{
        filter::{ListFilter, Order, Page, StatusFilter},
        grant::HandleEntry,
        policy::Policy,
        process::{ProcessRecord, Registered},
    },
    store::{Changes, EventRange, Point},
};
use longwait_testing::made;
use serde_json::{Map, Value, json};

/// What a call of [`page`](crate::page) answered: its value, or the error that the package refused it with.
pub fn answered(text: &str) -> Result<Value> {
    let mut answer: Value = serde_json::from_str(text).unwrap();
    let error = answer["error"].take();
    if error.is_null() { Ok(answer["value"].take()) } else { Err(fault(&error)) }
}

/// An error of the package as an error of the rules. Panics at a code that the rules do not have.
pub fn fault(error: &Value) -> Error {
    let (code, message) = (error["code"].as_str().unwrap(), error["message"].as_str().unwrap());
    let code = *Code::ALL.iter().find(|known| known.as_str() == code).unwrap();
    match error["processId"].as_str() {
        Some(id) => Error::about(code, &id.into(), message.to_owned()),
        None => Error::new(code, message),
    }
}

/// A number as JSON for JavaScript, which has no whole number above 2^53 - 1.
pub fn number(number: u64) -> Value {
    const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;
    number.min(MAX_SAFE_INTEGER).into()
}

/// A number that may be absent, as JSON: then `null`.
pub fn limit(limit: Option<u64>) -> Value {
    limit.map_or(Value::Null, number)
}

/// An object of the members that are not `null`.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let there = members.into_iter().filter(|(_, value)| !value.is_null());
    there.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
}

/// A filter as a caller in JavaScript writes it.
pub fn filter(filter: &ListFilter) -> Value {
    let status = match filter.status {
        StatusFilter::Running => "running",
        StatusFilter::Completed => "completed",
        StatusFilter::Failed => "failed",
        StatusFilter::Cancelled => "cancelled",
        StatusFilter::Any => "any",
    };
    let labels = (!filter.labels.is_empty()).then_some(&filter.labels);
    let mut written = object([
        ("status", status.into()),
        ("waiting", json!(filter.waiting)),
        ("kind", json!(filter.kind)),
        ("labels", json!(labels)),
        ("parentId", json!(filter.parent_id)),
        ("version", json!(filter.version)),
        ("paused", json!(filter.paused)),
    ]);
    // Unlike the others, it may be null and there.
    if let Some(definition) = &filter.definition {
        written["definition"] = definition.value();
    }
    written
}

/// A page of a list as a caller in JavaScript writes it.
pub fn page(page: &Page) -> Value {
    let order = match page.order {
        Order::Id => "id",
        Order::Oldest => "oldest",
        Order::Newest => "newest",
    };
    object([("limit", limit(page.limit)), ("cursor", json!(page.cursor)), ("order", order.into())])
}

/// The method that reads a stretch of a log, with its arguments.
pub fn stretch(id: &str, range: &EventRange) -> (&'static str, Value) {
    match range {
        EventRange::After { after, limit: at_most, types } => {
            let query = object([("limit", limit(*at_most)), ("types", json!(types))]);
            ("eventsAfter", json!([id, number(*after), query]))
        }
        EventRange::Last(at_most) => ("recentEvents", json!([id, number(*at_most)])),
        EventRange::Unacked(after) => ("wakeEventsAfter", json!([id, number(*after)])),
    }
}

/// A record of JavaScript as the rules have it. The bookkeeping of the log, which JavaScript is not shown, is that of an empty log.
pub fn record(mut shown: Value) -> ProcessRecord {
    let mut take = |name: &str| shown[name].take();
    let registration = object(
        ["id", "input", "identity", "eventTypes", "provenance", "envRef", "recovery"].map(|name| (name, take(name))),
    );
    let policy = object(Policy::FIELDS.map(|name| (name, take(name))));
    let (hash, created) = (made(take("registrationHash")), made(take("createdAtMs")));
    ProcessRecord {
        registered: Registered::new(made(registration), made(policy), hash, created).into(),
        status: made(take("status")),
        wake_target: made(take("wakeTarget")),
        external_ref: made(take("externalRef")),
        wait: made(take("wait")),
        paused: made(take("paused")),
        state: made(take("state")),
        progress: made(take("progress")),
        run_trace_context: made(take("runTraceContext")),
        attachments: made::<Option<_>>(take("attachments")).unwrap_or_default(),
        schedule: Default::default(),
        updated_at_ms: made(take("updatedAtMs")),
        log: Default::default(),
    }
}

/// A list whose members are read by `one`.
pub fn list<T>(mut shown: Value, one: fn(Value) -> T) -> Vec<T> {
    shown.as_array_mut().unwrap().drain(..).map(one).collect()
}

/// A grant with its process.
pub fn entry(mut shown: Value) -> HandleEntry {
    HandleEntry { grant: made(shown["grant"].take()), record: record(shown["record"].take()) }
}

/// An answer of the change feed.
pub fn changes(mut shown: Value) -> Changes {
    Changes {
        records: list(shown["records"].take(), record),
        removed: made(shown["removed"].take()),
        cursor: Point::parse(shown["cursor"].as_str().unwrap()).unwrap(),
        reset: shown["reset"] == true,
    }
}
