//! Field lines that are the same in many messages.

use crate::write::{DECIDED, put_line};
use crate::{Name, NameSet};

/// Field lines rendered once and written into many heads. What comes in under their names is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    names: NameSet,
    /// Whole lines, each with its CR LF.
    text: Box<[u8]>,
}

impl Lines {
    /// Renders `instead`, which replace what comes in under their names, and `beside`, which do not. As in
    /// [`Edits`](crate::Edits), one that could break out of its line, or decides on framing or
    /// routing, is left out.
    pub fn new(instead: &[(Name, &[u8])], beside: &[(Name, &[u8])]) -> Self {
        let names = instead.iter().fold(NameSet::EMPTY, |names, &(name, _)| names.with(name));
        let mut text = Vec::new();
        for &(name, value) in instead.iter().chain(beside) {
            if !DECIDED.contains(name) && name != Name::Other {
                put_line(&mut text, name.as_bytes(), value);
            }
        }
        Self { names, text: text.into() }
    }

    /// The names that are replaced.
    pub(crate) const fn names(&self) -> NameSet {
        self.names
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}
