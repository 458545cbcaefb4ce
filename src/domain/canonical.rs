//! Canonical JSON (RFC 8785) and the SHA-256 over it that every hash here uses.
//!
//! Numbers are written as ECMAScript writes doubles, so `1` and `1.0` hash alike whatever
//! type carried them.

use super::value::{Json, Map};
use crate::{
    ecmascript,
    text::{hex, hex_digit},
};
use sha2::{Digest, Sha256};

/// SHA-256, lower hex, over the canonical form of `value`.
pub fn hash(value: &Json) -> String {
    let digest = Sha256::digest(to_string(value));
    hex(&digest)
}

/// The canonical text of `value`.
pub fn to_string(value: &Json) -> String {
    let mut out = String::new();
    write(value, Order::Sorted, &mut out);
    out
}

/// The text of `value` with its fields in the order in which they were given.
pub fn as_given(value: &Json) -> String {
    let mut out = String::new();
    write(value, Order::Given, &mut out);
    out
}

/// The order of the fields of an object.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Sorted,
    Given,
}

fn write(value: &Json, order: Order, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => out.push_str(&ecmascript::number(*number)),
        Json::Text(text) => write_string(text, out),
        Json::List(items) => {
            list(out, ['[', ']'], items.iter(), |item, out| write(item, order, out));
        }
        Json::Object(fields) => write_object(fields, order, out),
    }
}

fn write_object(fields: &Map, order: Order, out: &mut String) {
    let mut ordered: Vec<_> = fields.iter().collect();
    if order == Order::Sorted {
        ordered.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    }
    list(out, ['{', '}'], ordered.into_iter(), |(name, value), out| {
        write_string(name, out);
        out.push(':');
        write(value, order, out);
    });
}

fn list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    mut each: impl FnMut(T, &mut String),
) {
    out.push(open);
    for (position, item) in items.enumerate() {
        if position > 0 {
            out.push(',');
        }
        each(item, out);
    }
    out.push(close);
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    // Most texts are copied as a whole, in a fraction of the time.
    let (plain, rest) = text.split_at(text.bytes().position(is_escaped).unwrap_or(text.len()));
    out.push_str(plain);
    for char in rest.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => {
                let code = control as u8;
                out.push_str("\\u00");
                out.push(hex_digit(code >> 4));
                out.push(hex_digit(code & 15));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

/// Such a byte is never a part of a longer character.
fn is_escaped(byte: u8) -> bool {
    byte < b' ' || matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use crate::domain::value::tests::json;

    #[test]
    fn the_rfc_8785_sample_comes_out_as_printed_there() {
        let input = json!({
            "numbers": [333_333_333.333_333_3, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u{20ac}$\u{000F}\u{000a}A'\u{0042}\u{0022}\u{005c}\\\"/",
            "literals": [null, true, false]
        });
        assert_eq!(
            to_string(&input),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
    }

    #[test]
    fn keys_are_sorted_by_utf16_code_unit_at_every_depth() {
        let input = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "😀": 5, "\u{80}": 6, "ö": {"b": 1, "a": 2}});
        assert_eq!(
            to_string(&input),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":{\"a\":2,\"b\":1},\"€\":1,\"😀\":5,\"\u{fb33}\":3}"
        );
    }

    #[test]
    fn a_number_hashes_alike_whatever_type_carried_it() {
        assert_eq!(hash(&json!([1, -0.0, 100])), hash(&json!([1.0, 0, 1e2])));
        assert_eq!(hash(&json!(1)), "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
    }
}
