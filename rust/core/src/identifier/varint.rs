//! Lengths and counts: unsigned LEB128, the shortest form only.

/// Appends a number.
#[inline]
pub(crate) fn write(bytes: &mut Vec<u8>, number: u64) {
    if number < 0x80 {
        // The usual case: one byte.
        bytes.push(low_bits(number));
    } else {
        write_long(bytes, number);
    }
}

#[cold]
fn write_long(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    bytes.push(low_bits(number));
}

#[inline]
fn low_bits(number: u64) -> u8 {
    (number & 0x7f) as u8
}

/// Why a number cannot be read.
pub(crate) enum Wrong {
    /// The bytes end within it.
    Truncated,
    /// It is written longer than needed, or does not fit in 64 bits.
    NotShortest,
}

/// Reads a number; answers it and how many bytes it took.
pub(crate) fn read(bytes: &[u8]) -> Result<(u64, usize), Wrong> {
    let mut number = 0_u64;
    for (position, byte) in bytes.iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if position == 9 && *byte > 1 {
            return Err(Wrong::NotShortest);
        }
        number |= bits << (7 * position);
        if byte & 0x80 == 0 {
            let overlong = *byte == 0 && position > 0;
            return if overlong { Err(Wrong::NotShortest) } else { Ok((number, position + 1)) };
        }
    }
    Err(if bytes.len() < 10 { Wrong::Truncated } else { Wrong::NotShortest })
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    #[test]
    fn longer_forms_are_refused() {
        for bytes in [&[0x80, 0x00][..], &[0xff, 0x80, 0x00], &[0xff; 10], &[0x80; 9]] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn numbers_come_back(number: u64, shift in 0_u32..64) {
            let number = number >> shift;
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            let read = read(&bytes).ok();
            proptest::prop_assert_eq!(read, Some((number, bytes.len())));
        }
    }
}
