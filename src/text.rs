//! Texts without the machinery of `format!`, which would be two kilobytes of the download.

/// Joins texts and whatever can be seen as one.
macro_rules! text {
    ($($part:expr),* $(,)?) => { $crate::text::join(&[$(AsRef::<str>::as_ref(&$part)),*]) };
}

pub(crate) use text;

/// One text of many. The standard library's would be another kilobyte before compression, for each type of parts.
pub fn join(parts: &[&str]) -> String {
    let mut joined = String::new();
    parts.iter().for_each(|part| joined.push_str(part));
    joined
}

/// The same with something between them.
pub fn join_with<T: AsRef<str>>(parts: &[T], between: &str) -> String {
    let mut joined = String::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            joined.push_str(between);
        }
        joined.push_str(part.as_ref());
    }
    joined
}

/// What stands before and behind the first of an ASCII character. The standard library's searches for any pattern would
/// be another kilobyte before compression.
pub fn halves(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// The whole number that up to 15 decimal digits stand for.
pub fn whole_number(digits: &str) -> Option<u64> {
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    let mut number = 0;
    for digit in digits.bytes() {
        number = number * 10 + u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
    }
    Some(number)
}

/// Whether a text is empty or white space alone.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Bytes in lower hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        text.push(hex_digit(byte >> 4));
        text.push(hex_digit(byte & 15));
    }
    text
}

/// A number below 16 in lower hex.
pub fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

/// A whole number in decimal digits.
pub fn decimal(number: u64) -> String {
    let mut text = if number < 10 { String::new() } else { decimal(number / 10) };
    text.push(hex_digit((number % 10) as u8));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_written_as_the_standard_library_writes_them() {
        for number in [0, 7, 10, 1_000, 9_007_199_254_740_991, u64::MAX] {
            assert_eq!(decimal(number), number.to_string());
        }
    }

    #[test]
    fn whole_numbers_are_read_from_digits_alone() {
        for number in [0, 7, 10, 999_999_999_999_999] {
            assert_eq!(whole_number(&decimal(number)), Some(number));
        }
        for other in ["", "-1", "+1", " 1", "1.0", "1e3", "a", "1000000000000000"] {
            assert_eq!(whole_number(other), None, "{other}");
        }
    }

    #[test]
    fn a_text_is_halved_at_the_first_of_a_character() {
        assert_eq!(halves("a/b/c", b'/'), Some(("a", "b/c")));
        assert_eq!(halves("/é", b'/'), Some(("", "é")));
        assert_eq!(halves("a", b'/'), None);
    }

    #[test]
    fn a_text_of_any_white_space_alone_is_blank() {
        assert!(is_blank("") && is_blank(" \t\u{a0}\u{3000}") && !is_blank(" a "));
    }
}
