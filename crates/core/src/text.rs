//! What the rules need to know of texts: blank ones, long ones, their beginnings, hex.

/// The whole number that up to 15 decimal digits stand for. `parse` alone would take a sign, too.
pub fn whole_number(digits: &str) -> Option<u64> {
    let plain = digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// Whether a text is empty or white space alone: what Unicode calls white space, and U+FEFF, which JavaScript counts as such.
///
/// `isBlank` in js/border/check.ts is the other half of this definition; a test on each side holds it to the list.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|char| char.is_whitespace() || char == '\u{feff}')
}

/// The most characters of a name, counted in UTF-16 code units, as JavaScript counts them.
pub const MAX_NAME: usize = 1_024;

/// Whether a text is longer than a name may be.
pub fn is_too_long(name: &str) -> bool {
    has_more_than(name, MAX_NAME)
}

/// Whether a text has more than `most` UTF-16 code units.
pub fn has_more_than(text: &str, most: usize) -> bool {
    // A text has at most as many code units as bytes, and at least a third as many.
    text.len() > most && (text.len() / 3 > most || text.encode_utf16().count() > most)
}

/// The beginning of a text that has at most `most` UTF-16 code units.
pub fn beginning(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut units = 0;
    let cut = text.char_indices().find(|(_, char)| {
        units += char.len_utf16();
        units > most
    });
    cut.and_then(|(place, _)| text.get(..place)).unwrap_or(text)
}

/// A text as a message shows it: of a long one the beginning.
pub fn short(text: &str) -> String {
    const SHOWN: usize = 80;
    let shown = beginning(text, SHOWN);
    if shown.len() == text.len() { text.to_owned() } else { format!("{shown}…") }
}

/// Bytes in lower hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_from_digits_alone() {
        for number in [0, 7, 10, 999_999_999_999_999] {
            assert_eq!(whole_number(&number.to_string()), Some(number));
        }
        for other in ["", "-1", "+1", " 1", "1.0", "1e3", "a", "1000000000000000"] {
            assert_eq!(whole_number(other), None, "{other}");
        }
    }

    /// The same list stands in tests/package/check.test.mjs.
    const BLANKS: [u32; 26] = [
        0x9, 0xa, 0xb, 0xc, 0xd, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
        0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff,
    ];

    #[test]
    fn exactly_the_listed_characters_of_all_of_unicode_are_blank() {
        for char in '\0'..=char::MAX {
            assert_eq!(is_blank(&char.to_string()), BLANKS.contains(&u32::from(char)), "{char:?}");
        }
        assert!(is_blank("") && is_blank(" \t\u{feff}\u{85}") && !is_blank(" a "));
    }

    #[test]
    fn a_name_is_measured_in_utf_16_code_units() {
        for (name, too_long) in [("é".repeat(1_024), false), ("é".repeat(1_025), true), ("😀".repeat(512), false)] {
            assert_eq!(is_too_long(&name), too_long);
        }
        assert!(is_too_long(&"😀".repeat(513)));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(beginning("aé😀b", 10), "aé😀b");
        assert_eq!(beginning("aé😀b", 3), "aé");
        assert_eq!(beginning("aé😀b", 4), "aé😀");
        assert_eq!(short(&"x".repeat(80)), "x".repeat(80));
        assert_eq!(short(&"x".repeat(81)), format!("{}…", "x".repeat(80)));
    }
}
