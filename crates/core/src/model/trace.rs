//! Where work belongs in a distributed trace, as W3C Trace Context writes it. Nothing here is interpreted: who traces reads it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A place in a trace, in the form of the headers of W3C Trace Context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TraceContext {
    /// Version, trace, span and flags.
    pub traceparent: String,
    /// What tracing systems add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
}

/// The lengths of the parts of a traceparent: version, trace, span, flags.
const PARTS: [usize; 4] = [2, 32, 16, 2];

/// The longest tracestate: as long as the specification asks everyone to pass on.
const LONGEST_STATE: usize = 512;

impl TraceContext {
    /// Refuses what is no trace context; `path` says where it stands.
    pub fn check(&self, path: &str) -> Result<()> {
        if !is_parent(&self.traceparent) {
            return Err(Error::invalid(format!(
                "{path}.traceparent: must be one of W3C Trace Context, such as 00-<32 digits>-<16 digits>-01, in lower-case hexadecimal"
            )));
        }
        match &self.tracestate {
            Some(state) if !is_state(state) => Err(Error::invalid(format!(
                "{path}.tracestate: must have 1 to {LONGEST_STATE} characters, of printable ASCII alone"
            ))),
            Some(_) | None => Ok(()),
        }
    }
}

/// Version `ff`, and ids of zeros, are invalid by the specification.
fn is_parent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let [version, trace, span, _] = parts.as_slice() else { return false };
    parts.iter().map(|part| part.len()).eq(PARTS)
        && parts.iter().all(is_hex)
        && *version != "ff"
        && [trace, span].iter().all(|id| id.bytes().any(|byte| byte != b'0'))
}

fn is_state(text: &str) -> bool {
    (1..=LONGEST_STATE).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn refused(traceparent: &str, tracestate: Option<&str>) -> Option<String> {
        let context = TraceContext { traceparent: traceparent.to_owned(), tracestate: tracestate.map(str::to_owned) };
        context.check("t").err().map(|error| error.message().split(':').next().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_trace_context_of_the_specification_is_taken() {
        assert_eq!(refused(PARENT, None), None);
        assert_eq!(refused(PARENT, Some("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7")), None);
        assert_eq!(refused(PARENT, Some(&"s".repeat(512))), None);
    }

    #[test]
    fn what_is_no_trace_context_is_refused_with_its_path() {
        let wrong = [
            "",
            "00",
            &PARENT.to_uppercase(),
            &format!("{PARENT}-00"),
            &format!(" {PARENT}"),
            &PARENT.replacen("00", "ff", 1),
            &PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"é".repeat(16)),
        ];
        for traceparent in wrong {
            assert_eq!(refused(traceparent, None).as_deref(), Some("t.traceparent"), "{traceparent}");
        }
        for tracestate in ["", "a=é", "a=\n", &"s".repeat(513)] {
            assert_eq!(refused(PARENT, Some(tracestate)).as_deref(), Some("t.tracestate"), "{tracestate}");
        }
    }
}
