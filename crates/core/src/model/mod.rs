//! The nouns: what a process, an event or a lease looks like, in Rust, in JavaScript and in a row. What may happen to them is
//! for the [rules](crate::rules) to say.

pub mod attachment;
pub mod difference;
pub mod event;
pub mod export;
pub mod filter;
pub mod fork;
pub mod grant;
pub mod key;
pub mod lease;
pub mod payload;
pub mod policy;
pub mod process;
pub mod reports;
pub mod retention;
pub mod schema;
pub mod selector;
pub mod stream;
pub mod trace;
pub mod wait;

use crate::{
    error::{Code, Error, Result},
    text,
};

/// The largest whole number that JavaScript counts without gaps.
pub const MAX_COUNT: u64 = (1 << 53) - 1;

/// The number after `counter`. [`Code::Internal`] past [`MAX_COUNT`]: a row with such a number could not be read back.
pub fn next(counter: u64) -> Result<u64> {
    match counter < MAX_COUNT {
        true => Ok(counter + 1),
        false => Err(Error::new(Code::Internal, "a counter has reached 2^53 - 1 and cannot go on")),
    }
}

/// Refuses a name that is too long; `path` says where it stands.
pub fn check_name(path: &str, name: &str) -> Result<()> {
    match text::is_too_long(name) {
        true => Err(Error::invalid(format!("{path}: has more than {} characters", text::MAX_NAME))),
        false => Ok(()),
    }
}

/// [`check_name`] for one that must not be blank either.
pub fn check_given_name(path: &str, name: &str) -> Result<()> {
    match text::is_blank(name) {
        true => Err(Error::invalid(format!("{path}: must not be blank"))),
        false => check_name(path, name),
    }
}

/// [`check_name`] for the named texts of a document, below `path`. What is absent or no text is not looked at.
pub fn check_names(path: &str, document: &payload::Payload, names: &[&str]) -> Result<()> {
    for name in names {
        let given = document.member(name).and_then(|member| member.as_str());
        given.map_or(Ok(()), |given| check_name(&format!("{path}.{name}"), &given))?;
    }
    Ok(())
}

/// Milliseconds since the Unix epoch, or a span of milliseconds. A JavaScript-safe integer.
pub type Millis = u64;
