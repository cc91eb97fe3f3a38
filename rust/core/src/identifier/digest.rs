//! Digests and the schemes that make them.

use std::fmt;
use std::str::FromStr;

use md5::{Digest as _, Md5};

/// The 16 bytes that identify a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; Self::LENGTH]);

impl Digest {
    /// Bytes in a digest.
    pub const LENGTH: usize = 16;

    /// Digests canonical bytes (MD5).
    ///
    /// ```
    /// use experimaestro_core::identifier::Digest;
    /// assert_eq!(Digest::of(b"").to_string(), "d41d8cd98f00b204e9800998ecf8427e");
    /// ```
    #[inline]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Md5::digest(bytes).into())
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl From<[u8; Self::LENGTH]> for Digest {
    fn from(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an identifier: expected 32 lower-case hexadecimal digits")]
pub struct DigestError(String);

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let wrong = || DigestError(text.to_owned());
        let digits = text.as_bytes();
        if digits.len() != 2 * Self::LENGTH {
            return Err(wrong());
        }
        let mut bytes = [0; Self::LENGTH];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = [pair[0], pair[1]].map(nibble);
            *byte = (high.ok_or_else(wrong)? << 4) | low.ok_or_else(wrong)?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// A way to make identifiers. A workspace keeps to the one it was created with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// MD5 of canonical typed bytes (`docs/identifiers.md`).
    #[default]
    Md5,
    /// SHA-256 of the bytes of an older package, releases 2 (`docs/legacy-identifiers.md`).
    Sha256V2,
    /// SHA-256 of the bytes of an older package, hashed once more with what runs before: releases 1.
    Sha256V1,
}

impl Scheme {
    /// The name written in workspaces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha256V2 => "sha256-v2",
            Self::Sha256V1 => "sha256-v1",
        }
    }
}

/// No scheme has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown identifier scheme {0:?}: this version knows \"md5\", and \"sha256-v1\" and \"sha256-v2\" of older packages"
)]
pub struct SchemeError(String);

impl FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(name: &str) -> Result<Self, SchemeError> {
        match name {
            "md5" => Ok(Self::Md5),
            "sha256-v2" => Ok(Self::Sha256V2),
            "sha256-v1" => Ok(Self::Sha256V1),
            _ => Err(SchemeError(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, Scheme};

    #[test]
    fn text_comes_back() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn only_lower_case_hexadecimal_of_the_right_length_is_a_digest() {
        let text = Digest::of(b"abc").to_string();
        for wrong in [&text[1..], &text.to_uppercase(), &format!("{text}00"), &text.replace('9', "g"), "é"] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn schemes_are_found_by_name() {
        for scheme in [Scheme::Md5, Scheme::Sha256V1, Scheme::Sha256V2] {
            assert_eq!(scheme.name().parse(), Ok(scheme));
        }
        assert!("sha1".parse::<Scheme>().is_err());
    }
}
