//! What the gateway answers by itself because a route says so: a redirect, a preflight, a challenge.

use crate::denial::Denial;

/// A response without any backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 599.
    pub status: u16,
    /// Names as they are written, and values.
    pub fields: Vec<(&'static str, Vec<u8>)>,
    /// What it is counted as, if it refuses the request.
    pub denial: Option<Denial>,
}

impl Answer {
    /// A redirect to `location` (RFC 9110 §15.4).
    #[must_use]
    pub fn redirect(status: u16, location: Vec<u8>) -> Self {
        Self { status, fields: vec![("Location", location)], denial: None }
    }

    /// One without content or fields.
    #[must_use]
    pub const fn bare(status: u16) -> Self {
        Self { status, fields: Vec::new(), denial: None }
    }
}

/// Why a request goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is refused, in the words of the one table of errors.
    Denied(Denial),
    /// It is answered.
    Answered(Box<Answer>),
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Answer> for Stop {
    fn from(answer: Answer) -> Self {
        Self::Answered(Box::new(answer))
    }
}
