//! Integers of any size.

use std::fmt;
use std::str::FromStr;

/// An integer of any size, held as the shortest big-endian two's complement (zero has no byte).
///
/// ```
/// use experimaestro_core::value::Integer;
/// assert_eq!(Integer::from(0).as_bytes(), &[] as &[u8]);
/// assert_eq!(Integer::from(-1).as_bytes(), &[0xff]);
/// assert_eq!(Integer::from(128).as_bytes(), &[0x00, 0x80]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Integer(Box<[u8]>);

impl Integer {
    /// Takes big-endian two's complement bytes of any length, and drops what does not change the number.
    pub fn from_signed_bytes(bytes: &[u8]) -> Self {
        Self(shortest(bytes).into())
    }

    /// The shortest big-endian two's complement.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The number, when it fits in 64 bits.
    pub fn to_i64(&self) -> Option<i64> {
        if self.0.len() > 8 {
            return None;
        }
        let negative = self.0.first().is_some_and(|byte| byte & 0x80 != 0);
        let mut number = if negative { -1_i64 } else { 0 };
        for byte in &self.0 {
            number = (number << 8) | i64::from(*byte);
        }
        Some(number)
    }

    fn is_negative(&self) -> bool {
        self.0.first().is_some_and(|byte| byte & 0x80 != 0)
    }

    /// Big-endian absolute value, with leading zeros allowed.
    fn magnitude(&self) -> Vec<u8> {
        let mut bytes = self.0.to_vec();
        if self.is_negative() {
            bytes.insert(0, 0xff);
            negate(&mut bytes);
        }
        bytes
    }
}

impl From<i64> for Integer {
    fn from(number: i64) -> Self {
        Self::from_signed_bytes(&number.to_be_bytes())
    }
}

/// Decimal up to 64 bits, hexadecimal with `0x` beyond: Python's `int(text, 0)` reads both.
impl fmt::Display for Integer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.to_i64() {
            return write!(formatter, "{number}");
        }
        let magnitude = self.magnitude();
        let mut digits = String::with_capacity(magnitude.len() * 2);
        for byte in magnitude {
            fmt::Write::write_fmt(&mut digits, format_args!("{byte:02x}"))?;
        }
        let sign = if self.is_negative() { "-" } else { "" };
        write!(formatter, "{sign}0x{}", digits.trim_start_matches('0'))
    }
}

/// The text is not an integer as [`Integer`] writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an integer: expected decimal digits (up to 64 bits) or 0x and hexadecimal digits")]
pub struct IntegerError(String);

impl FromStr for Integer {
    type Err = IntegerError;

    fn from_str(text: &str) -> Result<Self, IntegerError> {
        let wrong = || IntegerError(text.to_owned());
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let Some(digits) = digits.strip_prefix("0x") else {
            return text.parse::<i64>().map(Self::from).map_err(|_| wrong());
        };
        if digits.is_empty() {
            return Err(wrong());
        }
        // A zero byte in front keeps the magnitude positive.
        let mut bytes = vec![0; digits.len() / 2 + 2];
        for (position, digit) in digits.chars().rev().enumerate() {
            let digit = u8::try_from(digit.to_digit(16).ok_or_else(wrong)?).map_err(|_| wrong())?;
            let last = bytes.len() - 1;
            bytes[last - position / 2] |= digit << (4 * (position % 2));
        }
        if negative {
            negate(&mut bytes);
        }
        Ok(Self::from_signed_bytes(&bytes))
    }
}

/// Drops the leading bytes that only repeat the sign.
pub(crate) fn shortest(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let next_is_negative = tail.first().is_some_and(|byte| byte & 0x80 != 0);
        match (first, next_is_negative) {
            (0x00, false) | (0xff, true) => rest = tail,
            _ => break,
        }
    }
    rest
}

fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        let (sum, overflow) = (!*byte).overflowing_add(u8::from(carry));
        *byte = sum;
        carry = overflow;
    }
}

#[cfg(test)]
mod tests {
    use super::Integer;

    #[test]
    fn text_of_integers_beyond_64_bits_is_hexadecimal() {
        let big = Integer::from_signed_bytes(&[0x01, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(big.to_string(), "0x10000000000000000");
        let low = Integer::from_signed_bytes(&[0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(low.to_string(), "-0x8000000000000001");
        assert_eq!(Integer::from(i64::MIN).to_string(), "-9223372036854775808");
    }

    #[test]
    fn text_that_is_no_integer_is_refused() {
        for text in ["", "-", "0x", "1.0", "0xg", "--1", "99999999999999999999", "0x-1"] {
            assert!(text.parse::<Integer>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn text_comes_back(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..24)) {
            let number = Integer::from_signed_bytes(&bytes);
            proptest::prop_assert_eq!(number.to_string().parse::<Integer>(), Ok(number));
        }

        #[test]
        fn small_numbers_come_back(number: i64) {
            proptest::prop_assert_eq!(Integer::from(number).to_i64(), Some(number));
        }
    }
}
