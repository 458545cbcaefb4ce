//! JSON text that `JSON.stringify` wrote, as values.
//!
//! Made for that text alone: compact, well-formed, and with no escapes beyond those that ECMA-262 has it write
//! (QuoteJSONString). What is anything else reads as some value, and is met by whoever looks at its shape.

use super::{
    key::Key,
    value::{Json, Map},
};
use crate::ecmascript;

/// The value that a text stands for.
pub fn parse(text: &str) -> Json {
    Parser { text, at: 0 }.value()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self) -> Json {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => Json::Text(self.string()),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) | None => self.word("null", Json::Null),
        }
    }

    fn object(&mut self) -> Json {
        let mut fields = Map::new();
        self.at += 1; // the brace
        while self.goes_on(b'}') {
            let name = self.string();
            self.at += 1; // the colon
            fields.push((name, self.value()));
        }
        Json::object(fields)
    }

    fn list(&mut self) -> Json {
        let mut items = Vec::new();
        self.at += 1; // the bracket
        while self.goes_on(b']') {
            items.push(self.value());
        }
        Json::list(items)
    }

    /// Goes to the next member; at the end, past it.
    fn goes_on(&mut self, end: u8) -> bool {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
        let over = self.peek().is_none_or(|byte| byte == end);
        if over {
            self.at += 1;
        }
        !over
    }

    fn string(&mut self) -> Key {
        self.at += 1; // the quote
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'\\') => return self.escaped(start),
                Some(b'"') | None => break,
                Some(_) => self.at += 1,
            }
        }
        let text = self.between(start, self.at);
        self.at += 1;
        text.into()
    }

    /// The rest of a string, from its first escape on.
    fn escaped(&mut self, start: usize) -> Key {
        let mut out = self.between(start, self.at).to_owned();
        let mut left = self.between(self.at, self.text.len()).chars();
        while let Some(char) = left.next() {
            match char {
                '"' => break,
                '\\' => out.extend(unescaped(&mut left)),
                plain => out.push(plain),
            }
        }
        self.at = self.text.len() - left.as_str().len();
        out.into()
    }

    fn number(&mut self) -> Json {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        Json::Number(ecmascript::to_number(self.between(start, self.at)))
    }

    fn word(&mut self, word: &str, value: Json) -> Json {
        self.at += word.len();
        value
    }

    fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn between(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }
}

fn unescaped(left: &mut std::str::Chars) -> Option<char> {
    Some(match left.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let mut code = 0;
            for _ in 0..4 {
                code = code * 16 + left.next()?.to_digit(16)?;
            }
            char::from_u32(code)?
        }
        quoted => quoted,
    })
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{canonical, value::tests::json};

    /// Any value, with awkward texts and numbers.
    fn values() -> impl Strategy<Value = Json> {
        let leaves = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<f64>().prop_filter("JSON has no word for it", |number| number.is_finite()).prop_map(Json::Number),
            (-1_000_000_i64..1_000_000).prop_map(|number| Json::Number(number as f64)),
            any::<String>().prop_map(|text| Json::text(&text)),
            "[\"\\\\\u{0}-\u{1f}/a\u{e9}\u{1f600}]{0,8}".prop_map(|text| Json::text(&text)),
        ];
        leaves.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::list),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|fields| Json::object(
                    fields.into_iter().map(|(name, value)| (name.into(), value)).collect()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back(value in values()) {
            let text = canonical::as_given(&value);
            prop_assert_eq!(canonical::as_given(&parse(&text)), text);
        }

        #[test]
        fn any_text_reads_as_something(text in any::<String>()) {
            parse(&text);
            parse(&format!("[{text}"));
            parse(&format!("{{\"{text}"));
        }
    }

    #[test]
    fn empty_and_nested_ones_are_told_apart() {
        for value in
            [json!([]), json!({}), json!([[], {}, [[]], {"a": []}]), json!({"a": {}, "b": [{}]}), json!([null, ""])]
        {
            assert_eq!(parse(&canonical::as_given(&value)), value);
        }
    }
}
