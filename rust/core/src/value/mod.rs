//! Typed values: what a configuration is made of.
