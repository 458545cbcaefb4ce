//! Canonical JSON (RFC 8785) and the SHA-256 over it that every hash here uses.
//!
//! Numbers are written as ECMAScript writes doubles, so `1` and `1.0` hash alike whatever
//! type carried them.

use std::fmt::{self, Write};

use super::value::{Json, Map};
use crate::{
    ecmascript,
    text::{self, hex, hex_digit},
};
use sha2::{Digest, Sha256};

/// SHA-256, lower hex, over the canonical form of `value`.
pub fn hash(value: &Json) -> String {
    let digest = Sha256::digest(to_string(value));
    hex(&digest)
}

/// The canonical text of `value`.
pub fn to_string(value: &Json) -> String {
    text_of(value, Order::Sorted)
}

/// The text of `value` with its fields in the order in which they were given.
pub fn as_given(value: &Json) -> String {
    text_of(value, Order::Given)
}

/// The text of `value` as a message shows it: of a long one the beginning.
pub fn short(value: &Json) -> String {
    let mut out = Beginning::default();
    // A full one stops the writing.
    let _ = write(value, Order::Given, &mut out);
    text::short(&out.0)
}

/// How many UTF-16 code units `text` has within a JSON text, without its quotes.
pub fn escaped_length(text: &str) -> usize {
    let mut length = Length(0);
    length.add(text);
    length.0
}

/// [`escaped_length`] of the canonical text of `value`, which is not made.
pub fn escaped_length_of(value: &Json) -> usize {
    let mut length = Length(0);
    // Counting does not fail.
    let _ = write(value, Order::Given, &mut length);
    length.0
}

/// The order of the fields of an object.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Sorted,
    Given,
}

fn text_of(value: &Json, order: Order) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(value, order, &mut out);
    out
}

fn write(value: &Json, order: Order, out: &mut impl Write) -> fmt::Result {
    match value {
        Json::Null => out.write_str("null"),
        Json::Bool(true) => out.write_str("true"),
        Json::Bool(false) => out.write_str("false"),
        Json::Number(number) => out.write_str(&ecmascript::number(*number)),
        Json::Text(text) => write_string(text, out),
        Json::List(items) => list(out, ['[', ']'], items.iter(), |item, out| write(item, order, out)),
        Json::Object(fields) => write_object(fields, order, out),
    }
}

fn write_object(fields: &Map, order: Order, out: &mut impl Write) -> fmt::Result {
    let mut ordered: Vec<_> = fields.iter().collect();
    if order == Order::Sorted {
        ordered.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    }
    list(out, ['{', '}'], ordered.into_iter(), |(name, value), out| {
        write_string(name, out)?;
        out.write_char(':')?;
        write(value, order, out)
    })
}

fn list<T, W: Write>(
    out: &mut W,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    mut each: impl FnMut(T, &mut W) -> fmt::Result,
) -> fmt::Result {
    out.write_char(open)?;
    for (position, item) in items.enumerate() {
        if position > 0 {
            out.write_char(',')?;
        }
        each(item, out)?;
    }
    out.write_char(close)
}

fn write_string(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_char('"')?;
    // Most texts are copied as a whole, in a fraction of the time.
    let (plain, rest) = text.split_at(text.bytes().position(is_escaped).unwrap_or(text.len()));
    out.write_str(plain)?;
    for char in rest.chars() {
        match char {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\u{8}' => out.write_str("\\b")?,
            '\t' => out.write_str("\\t")?,
            '\n' => out.write_str("\\n")?,
            '\u{c}' => out.write_str("\\f")?,
            '\r' => out.write_str("\\r")?,
            control if control < ' ' => {
                let code = control as u8;
                out.write_str("\\u00")?;
                out.write_char(hex_digit(code >> 4))?;
                out.write_char(hex_digit(code & 15))?;
            }
            plain => out.write_char(plain)?,
        }
    }
    out.write_char('"')
}

/// Such a byte is never a part of a longer character.
fn is_escaped(byte: u8) -> bool {
    byte < b' ' || matches!(byte, b'"' | b'\\')
}

/// Counts the UTF-16 code units that texts have within a JSON text.
struct Length(usize);

impl Length {
    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 += match byte {
                b'"' | b'\\' | b'\t' | b'\n' | b'\r' | 8 | 12 => 2,
                0..32 => 6,
                // A further byte of a character.
                0x80..0xc0 => 0,
                // The first of four, which are a surrogate pair.
                0xf0.. => 2,
                32..0x80 | 0xc0..0xf0 => 1,
            };
        }
    }
}

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text);
        Ok(())
    }
}

/// Keeps the beginning of a text, and stops the writing behind it.
#[derive(Default)]
struct Beginning(String);

impl Beginning {
    /// More than is shown of a text, in bytes.
    const MOST: usize = 1_000;
}

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text::beginning(text, Self::MOST));
        if self.0.len() > Self::MOST { Err(fmt::Error) } else { Ok(()) }
    }
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
    fn a_length_is_that_of_the_text_as_part_of_a_json_text() {
        for text in ["", "plain", "\u{0}\u{1f}\u{7f}\u{80}", "\"\\/\n\t\r\u{8}\u{c}\u{b}", "äß€\u{ffff}", "😀 x"]
        {
            let quoted = to_string(&json!(text));
            assert_eq!(escaped_length(text) + 2, quoted.encode_utf16().count(), "{text:?}");
            let value = json!({"k": [text, 1.5, null, true, {"n": text}]});
            let within = to_string(&json!(to_string(&value)));
            assert_eq!(escaped_length_of(&value) + 2, within.encode_utf16().count(), "{text:?}");
        }
    }

    #[test]
    fn a_long_value_is_shown_by_its_beginning() {
        assert_eq!(short(&json!({"a": [1, "x"]})), "{\"a\":[1,\"x\"]}");
        let long = json!(vec![vec!["word"; 1_000]; 1_000]);
        assert_eq!(short(&long).chars().count(), 81);
        assert!(short(&long).ends_with('…') && short(&json!("y".repeat(5_000))).ends_with("y…"));
    }

    #[test]
    fn a_number_hashes_alike_whatever_type_carried_it() {
        assert_eq!(hash(&json!([1, -0.0, 100])), hash(&json!([1.0, 0, 1e2])));
        assert_eq!(hash(&json!(1)), "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
    }
}
