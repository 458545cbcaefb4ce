//! Signals: events that every process accepts, declared or not, so that anyone may address any process.

use super::AppendRequest;
use crate::{
    error::{Error, Result},
    model::payload::Payload,
    text::{MAX_NAME, is_blank, is_too_long},
};

/// How the event types of signals begin.
pub const PREFIX: &str = "signal.";

/// Whether an event type is that of a signal. One that a process declares is held to its schema.
pub fn is_signal(event_type: &str) -> bool {
    event_type.strip_prefix(PREFIX).is_some_and(is_name)
}

/// ASCII letters, digits, `_` and `-`.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The event type of a signal, by its name.
pub fn event_type(name: &str) -> Result<String> {
    match (is_name(name), is_too_long(name)) {
        (true, false) => Ok(format!("{PREFIX}{name}")),
        (true, true) => Err(Error::invalid(format!("name: has more than {MAX_NAME} characters"))),
        (false, _) => Err(Error::invalid("name must be of ASCII letters, digits, `_` and `-`")),
    }
}

impl AppendRequest {
    /// A signal. Sending one of that name under the same id again is the same event.
    pub fn signal(name: &str, payload: Payload, signal_id: Option<&str>) -> Result<Self> {
        let request = Self::new(event_type(name)?, payload);
        match signal_id {
            Some(id) if is_blank(id) => Err(Error::invalid("signalId must not be blank")),
            Some(id) if is_too_long(id) => {
                Err(Error::invalid(format!("signalId: has more than {MAX_NAME} characters")))
            }
            Some(id) => Ok(request.keyed(format!("signal:{name}:{id}"))),
            None => Ok(request),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_known_by_its_prefix_and_a_plain_name() {
        for signal in ["signal.a", "signal.Go-1_x"] {
            assert!(is_signal(signal), "{signal}");
        }
        for other in ["signal.", "signal.a b", "signal.a.b", "signal.\u{e9}", "signals.a", "a", "Signal.a", "signal"] {
            assert!(!is_signal(other), "{other}");
        }
    }
}
