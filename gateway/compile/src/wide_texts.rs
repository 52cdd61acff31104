//! Texts of expressions that were found to be too wide: to find that out again takes as long as the first time, and an Ingress is read anew
//! whenever anything of it changes.

use std::collections::HashSet;

use bulkhead_model::expression::{BadExpression, PathExpression};

/// Most texts that are remembered: they take a few megabytes at most.
const MOST: usize = 1024;

/// What is remembered changes how long an answer takes, and no answer.
#[derive(Debug, Default)]
pub(crate) struct WideTexts {
    /// With whether the groups were asked for.
    known: HashSet<(Box<str>, bool)>,
}

impl WideTexts {
    /// Reads an expression, whose groups can be asked for if `groups`.
    ///
    /// # Errors
    /// As [`PathExpression::parse`].
    pub(crate) fn parse(&mut self, written: &str, groups: bool) -> Result<PathExpression, BadExpression> {
        let text = (Box::from(written), groups);
        if self.known.contains(&text) {
            return Err(BadExpression::Wide);
        }
        let read = PathExpression::parse(written, groups);
        if read.as_ref().err() == Some(&BadExpression::Wide) {
            if self.known.len() >= MOST {
                self.known.clear();
            }
            self.known.insert(text);
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_changes_no_answer_and_has_a_bound() {
        let mut wide = WideTexts::default();
        for _ in 0..2 {
            for groups in [false, true] {
                assert_eq!(wide.parse("/(a|b)*a(a|b){16}", groups).err(), Some(BadExpression::Wide));
                assert!(wide.parse("/a(b|c)", groups).is_ok());
            }
        }
        assert_eq!(wide.known.len(), 2);
        wide.known.extend((0..MOST).map(|n| (n.to_string().into_boxed_str(), false)));
        assert_eq!(wide.parse("/(a|b)*b(a|b){16}", false).err(), Some(BadExpression::Wide));
        assert_eq!(wide.known.len(), 1);
    }
}
