//! Canonical paths: the one function that router, access control, log, rewrite and upstream all use.

use std::borrow::Cow;

use crate::denial::Denial;

/// A canonical request target in origin form. What is matched is what is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Starts with `/`; no dot segments, no empty inner segments kept apart by rule, only needed percent-encodings, upper-case hex.
    pub path: Cow<'a, str>,
    /// Without the `?`; bytes are checked, never changed.
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Makes an origin-form target canonical. Idempotent.
    ///
    /// # Errors
    /// [`Denial::BadPath`] where two readers could differ about what is meant.
    pub fn parse(target: &'a [u8]) -> Result<Self, Denial> {
        let _ = target;
        Err(Denial::BadPath)
    }
}
