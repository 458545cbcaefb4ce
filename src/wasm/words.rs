//! Which words cross to JavaScript so often that each is made a JavaScript string once, instead of each time.

use wasm_bindgen::intern;

use crate::{
    model::{
        event::{CANCEL_REQUESTED, RESUMED, WAITING},
        process::TerminalState,
    },
    store::engine::LAYOUT,
};

/// What requests to a database are made of, members of rows that are looked at, and what each registration says.
const WORDS: &[&str] = &[
    "readonly",
    "readwrite",
    "relaxed",
    "strict",
    "read",
    "write",
    "commit",
    "get",
    "all",
    "put",
    "add",
    "lastKey",
    "id",
    "lane",
    "createdAtMs",
    "registration",
    "pointer",
    "/awaitOutput",
    "host",
    CANCEL_REQUESTED,
    WAITING,
    RESUMED,
];

/// Has them made. A word that is not among them crosses all the same, at the cost of a copy.
pub fn intern_words() {
    for word in WORDS {
        intern(word);
    }
    for state in TerminalState::ALL {
        intern(state.event_type());
    }
    for store in LAYOUT {
        intern(store.name);
        for index in store.indexes {
            intern(index.name);
        }
    }
}
