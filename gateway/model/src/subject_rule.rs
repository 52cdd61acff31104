//! Which subjects of client certificates a host lets in, among those whose issuer it believes.

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};
use thiserror::Error;

/// What a rule begins with, as in ingress-nginx.
const BEGIN: &str = "CN=";
/// Longest rule, in bytes: a list of some twenty names.
const MAX_BYTES: usize = 1 << 10;
/// Most memory of a compiled rule, in bytes. It is searched in time linear in the subject, whatever it says.
const MAX_SIZE: usize = 256 << 10;

/// A regular expression for the common name of a subject, and for what stands behind it.
#[derive(Clone)]
pub struct SubjectRule {
    written: Box<str>,
    matcher: Regex,
}

/// Two rules that are written the same are one.
impl PartialEq for SubjectRule {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for SubjectRule {}

impl fmt::Debug for SubjectRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SubjectRule").field(&self.written).finish()
    }
}

/// Why a text is no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadSubjectRule {
    /// What it is for would be anything.
    #[error("it does not begin with `{BEGIN}`")]
    Begin,
    /// Longer than anybody needs.
    #[error("it is longer than {MAX_BYTES} bytes")]
    Long,
    /// No regular expression, one with look-around or backreferences, or one that needs too much memory.
    #[error("it is no regular expression of a form and size that is searched for")]
    Expression,
}

impl SubjectRule {
    /// The rule that is written like this.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(written: &str) -> Result<Self, BadSubjectRule> {
        if !written.starts_with(BEGIN) {
            return Err(BadSubjectRule::Begin);
        }
        if written.len() > MAX_BYTES {
            return Err(BadSubjectRule::Long);
        }
        let matcher = RegexBuilder::new(written).unicode(false).size_limit(MAX_SIZE).dfa_size_limit(MAX_SIZE).build();
        Ok(Self { written: written.into(), matcher: matcher.map_err(|_| BadSubjectRule::Expression)? })
    }

    /// Whether it lets in a subject, as [`distinguished_name::text`](crate::distinguished_name::text) has it.
    ///
    /// It is looked for where a common name begins, and nowhere else: a certificate's owner may have got `CN=admin` into another
    /// attribute, or into the middle of a name.
    #[must_use]
    pub fn allows(&self, subject: &str) -> bool {
        // Of all matches the first one is found: if it begins later, none begins here.
        let begins = |attribute: &str| self.matcher.find(attribute.as_bytes()).is_some_and(|found| found.start() == 0);
        starts(subject).any(|attribute| attribute.starts_with(BEGIN) && begins(attribute))
    }
}

/// The subject from each of its attributes on. What separates them is escaped inside of values.
fn starts(subject: &str) -> impl Iterator<Item = &str> {
    let mut is_escaped = false;
    let separators = subject.char_indices().filter(move |(_, character)| {
        let separates = !is_escaped && matches!(character, ',' | '+');
        is_escaped = !is_escaped && *character == '\\';
        separates
    });
    std::iter::once(subject).chain(separators.filter_map(|(at, _)| subject.get(at + 1..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_for_common_names_and_for_what_stands_behind_them() {
        for (rule, subject, allows) in [
            ("CN=alice", "CN=alice", true),
            ("CN=alice", "CN=alice,O=Mill", true),
            ("CN=alice", "O=Mill,CN=alice", true),
            ("CN=alice", "O=Mill+CN=alice,C=NL", true),
            ("CN=alice", "CN=alice2", true),
            ("CN=alice$", "CN=alice2", false),
            ("CN=alice$", "CN=alice,O=Mill", false),
            ("CN=alice(,|$)", "CN=alice,O=Mill", true),
            ("CN=alice", "CN=Alice", false),
            ("CN=(alice|bob)", "CN=bob", true),
            ("CN=.*,O=Mill$", "CN=bob,O=Mill", true),
            ("CN=.*,O=Mill$", "CN=bob,O=Farm", false),
            // What the owner of a certificate may have chosen.
            ("CN=alice", "CN=bob,O=CN=alice", false),
            ("CN=alice", "CN=bob\\,CN=alice", false),
            ("CN=alice", "CN=bob\\\\,CN=alice", true),
            ("CN=alice", "CN=bob CN=alice", false),
            ("CN=alice", "O=alice", false),
            ("CN=alice", "xCN=alice", false),
            ("CN=a|O=Mill", "CN=b,O=Mill", false),
            ("CN=a|.*", "O=Mill", false),
            ("CN=a|b", "CN=b", false),
            ("CN=alice", "", false),
        ] {
            assert_eq!(SubjectRule::parse(rule).is_ok_and(|rule| rule.allows(subject)), allows, "{rule} {subject}");
        }
    }

    #[test]
    fn what_could_be_anything_or_cost_anything_is_no_rule() {
        for (rule, why) in [
            ("", BadSubjectRule::Begin),
            ("alice", BadSubjectRule::Begin),
            (".*CN=alice", BadSubjectRule::Begin),
            ("cn=alice", BadSubjectRule::Begin),
            ("CN=(", BadSubjectRule::Expression),
            ("CN=a)", BadSubjectRule::Expression),
            ("CN=a)|(?:.*", BadSubjectRule::Expression),
            ("CN=(?=a)", BadSubjectRule::Expression),
            ("CN=(a)\\1", BadSubjectRule::Expression),
            ("CN=((a{100}){100}){100}", BadSubjectRule::Expression),
            (&*format!("CN={}", "a".repeat(MAX_BYTES)), BadSubjectRule::Long),
        ] {
            assert_eq!(SubjectRule::parse(rule).err(), Some(why), "{rule}");
        }
    }
}
