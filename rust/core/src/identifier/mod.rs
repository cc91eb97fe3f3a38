//! Canonical bytes and digests of values.
