//! Numbers as ECMAScript writes them, where no engine is around us that does.

/// `Number.prototype.toString` of ECMA-262 (6.1.6.1.20): the shortest digits that read back as
/// the same double, plain between 1e-7 and 1e21 and in exponent form beyond.
pub fn number(number: f64) -> String {
    let integer = number as i64;
    // 2^53: up to there every integer is its own double.
    if integer as f64 == number && integer.unsigned_abs() <= 1 << 53 {
        // -0 too, which ECMAScript writes as 0.
        let sign = if integer < 0 { "-" } else { "" };
        return format!("{sign}{}", integer.unsigned_abs());
    }
    ryu_js::Buffer::new().format(number).to_owned()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn integers_and_fractions_are_written_as_ecmascript_writes_them() {
        for (double, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-7.0, "-7"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (1e21, "1e+21"),
            (123e18, "123000000000000000000"),
            (0.000_001, "0.000001"),
            (1e-7, "1e-7"),
            (-1_723_123_048_712_105.0 - 0.25, "-1723123048712105.2"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        ] {
            assert_eq!(number(double), text);
        }
    }
}
