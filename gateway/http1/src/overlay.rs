//! What one message changes of a head: fields left out, put in their place, or added.

use crate::field::is_token;
use crate::write::{DECIDED, put_line};
use crate::{Name, NameSet};

/// Field lines that stand instead of what comes in under their names. Meant to be reused: it keeps the room that it has.
///
/// As in [`Edits`](crate::Edits), a line that could break out, or whose name decides on framing or routing, is never taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    names: NameSet,
    /// Names that [`Name`] does not know.
    others: Vec<Box<str>>,
    /// Whole lines, each with its CR LF.
    text: Vec<u8>,
}

impl Overlay {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.names == NameSet::EMPTY && self.others.is_empty()
    }

    /// As new, with the room that it has.
    pub fn clear(&mut self) {
        self.names = NameSet::EMPTY;
        self.others.clear();
        self.text.clear();
    }

    /// Leaves out what comes in as `name`, in any case.
    pub fn remove(&mut self, name: &str) {
        match Name::find(name.as_bytes()) {
            Name::Other if self.has(name.as_bytes()) => {}
            Name::Other => self.others.push(name.into()),
            known => self.names = self.names.with(known),
        }
    }

    /// A line instead of what comes in as `name`, in any case. Called twice, both lines are written.
    pub fn set(&mut self, name: &str, value: &[u8]) {
        self.remove(name);
        self.append(name, value);
    }

    /// A line beside what comes in as `name`.
    pub fn append(&mut self, name: &str, value: &[u8]) {
        self.put(name.as_bytes(), value);
    }

    /// Everything in `other` as well.
    pub fn extend(&mut self, other: &Self) {
        self.names = self.names.union(other.names);
        self.others.extend(other.others.iter().cloned());
        self.text.extend_from_slice(&other.text);
    }

    /// Whether what comes in as `name`, in any case, is left out.
    pub fn replaces(&self, name: &str) -> bool {
        self.names.contains(Name::find(name.as_bytes())) || self.has(name.as_bytes())
    }

    /// The names that are replaced and that [`Name`] knows.
    pub(crate) const fn names(&self) -> NameSet {
        self.names
    }

    /// Whether a name that [`Name`] does not know is replaced.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.others.iter().any(|other| other.as_bytes().eq_ignore_ascii_case(name))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    fn put(&mut self, name: &[u8], value: &[u8]) {
        if is_token(name) && !DECIDED.contains(Name::find(name)) {
            put_line(&mut self.text, name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_could_break_out_or_decide_on_framing_are_never_taken() {
        let mut overlay = Overlay::default();
        for (name, value) in [
            ("X-A", &b"a\r\nEvil: 1"[..]),
            ("X A", b"a"),
            ("", b"a"),
            ("content-length", b"5"),
            ("Transfer-Encoding", b"chunked"),
            ("host", b"evil"),
            ("connection", b"close"),
        ] {
            overlay.append(name, value);
        }
        assert_eq!(overlay.as_bytes(), b"");
        overlay.set("X-Tenant", b"a");
        overlay.set("x-tenant", b"b");
        overlay.append("Set-Cookie", b"c=d");
        assert_eq!(overlay.as_bytes(), b"X-Tenant: a\r\nx-tenant: b\r\nSet-Cookie: c=d\r\n");
        assert!(overlay.replaces("x-TENANT") && !overlay.replaces("Set-Cookie"));
        assert!(overlay.has(b"X-TENANT") && overlay.names() == NameSet::EMPTY && !overlay.is_empty());
        overlay.clear();
        assert!(overlay.is_empty());
    }
}
