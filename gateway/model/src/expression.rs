//! Paths that are written as regular expressions.
//!
//! An expression is matched against canonical paths, as bytes: it must match at the beginning and need not reach the end, and the case
//! of letters does not matter, as in ingress-nginx. Whoever writes it is a stranger, so it is bounded in every way: by its length, by
//! what it compiles to, and by the work that one path may cost. Look-around and back-references, which have no bound, do not exist.
//!
//! In: texts. An expression is compiled ([`nfa`]), and what some of them come to together is worked out in full ([`determinize`]) into
//! an [`Automaton`], which takes one step for each byte of a path. What is plain text needs none ([`literals`]). [`ExpressionSet`] holds
//! those of a host; [`groups`] finds what the groups of the one that was found have matched, where a rewrite asks for it.

mod automaton;
mod determinize;
mod groups;
mod literals;
mod nfa;
mod set;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use regex_automata::nfa::thompson::NFA;
use thiserror::Error;

pub use self::automaton::Automaton;
use self::determinize::Budget;
pub(crate) use self::groups::Groups;
pub(crate) use self::set::ExpressionSet;
use crate::limits;

/// Longest expression, in bytes: twenty times what people write.
const MAX_BYTES: usize = limits::EXPRESSION_BYTES.size();
/// Most that an expression compiles to at first, in bytes: an alternative of some hundred words.
const MAX_COMPILED_BYTES: usize = 96 << 10;
/// What an expression may take alone. Those of people take some hundred bytes and some hundred steps; these are about a millisecond.
const ALONE: Budget = Budget { bytes: limits::EXPRESSION_AUTOMATON.size(), steps: 128 << 10 };
/// Longest path that is matched, in bytes: what a request's target may have by default.
const MAX_MATCHED_BYTES: usize = limits::EXPRESSION_PATH.size();
/// Most steps, bytes of a path times automata, that are taken for one path.
const MAX_STEPS: usize = limits::EXPRESSION_STEPS.size();

/// A path expression. Two are equal if they are written alike and tell the same.
#[derive(Clone, Debug)]
pub struct PathExpression {
    written: Arc<str>,
    /// What an automaton of it alone takes, in bytes; 0: it is plain text, and needs none.
    alone: usize,
    /// Finds what its groups have matched, if anybody wants to know.
    groups: Option<NFA>,
}

impl PartialEq for PathExpression {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written && self.groups.is_some() == other.groups.is_some()
    }
}

impl Eq for PathExpression {}

/// Why a text is no path expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadExpression {
    /// Longer than 2 KiB.
    #[error("it is longer than {MAX_BYTES} bytes")]
    Long,
    /// It compiles to more than 96 KiB.
    #[error("it compiles to more than {} KiB", MAX_COMPILED_BYTES >> 10)]
    Large,
    /// Too much has to be remembered of a path to know whether it matches.
    #[error("it can match in too many ways at once")]
    Wide,
    /// Nobody looked: too many beside it were too wide.
    #[error("too many others of this Ingress can match in too many ways at once")]
    Untried,
    /// It is no expression, or has something without bound in it.
    #[error("{0}")]
    Syntax(Box<str>),
}

/// A path would cost more steps than any may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Costly;

impl PathExpression {
    /// Reads an expression; one whose groups are asked for if `groups`.
    ///
    /// # Errors
    /// [`BadExpression`] says why it is none.
    pub fn parse(written: &str, groups: bool) -> Result<Self, BadExpression> {
        if is_literal(written) {
            return Ok(Self { written: written.into(), alone: 0, groups: None });
        }
        if written.len() > MAX_BYTES {
            return Err(BadExpression::Long);
        }
        let text = encoded(written);
        let alone = automaton::size_alone(&text, ALONE)?;
        let groups = groups.then(|| nfa::compile(&text, true)).transpose()?;
        Ok(Self { written: written.into(), alone, groups })
    }

    /// As it is written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// What it takes for itself, in bytes; 0 if it is plain text. Together with others it may take some times as much, or less.
    #[must_use]
    pub fn size(&self) -> usize {
        self.alone + self.groups.as_ref().map_or(0, NFA::memory_usage)
    }

    /// Whether it is plain text.
    #[must_use]
    pub const fn is_literal(&self) -> bool {
        self.alone == 0
    }

    /// The plain text that it is, as paths have it.
    fn literal(&self) -> Option<String> {
        self.is_literal().then(|| escaped(&self.written))
    }

    fn nfa(&self) -> Result<NFA, BadExpression> {
        nfa::compile(&encoded(&self.written), false)
    }

    /// What its groups match of `path`. `None`: it does not match, or nobody was to know.
    pub(crate) fn groups(&self, path: &[u8]) -> Result<Option<Groups>, Costly> {
        self.groups.as_ref().map_or(Ok(None), |nfa| groups::find(nfa, path))
    }
}

/// What some expressions come to.
#[derive(Clone, Debug, Default)]
pub struct Combined {
    /// They look for the first of the expressions, and for nothing else.
    pub automata: Vec<Arc<Automaton>>,
    /// How many expressions they look for.
    pub taken: usize,
}

/// Combines expressions, none of them plain text, into as few automata as they fit. Where that would be more than `most`, the last
/// expressions are left out.
#[must_use]
pub fn combine(expressions: &[Arc<PathExpression>], most: usize) -> Combined {
    let mut combined = Combined::default();
    while combined.automata.len() < most {
        let mut next = expressions.get(combined.taken..).unwrap_or_default();
        // What is too large is tried by half: an expression alone is never too large.
        let automaton = loop {
            match Automaton::new(next) {
                _ if next.is_empty() => return combined,
                Ok(automaton) => break automaton,
                Err(_) if next.len() == 1 => return combined,
                Err(_) => next = next.get(..next.len().div_ceil(2)).unwrap_or_default(),
            }
        };
        combined.taken += next.len();
        combined.automata.push(Arc::new(automaton));
    }
    combined
}

/// Characters that stand for something else than themselves in an expression.
const MARKS: [char; 14] = ['(', ')', '[', ']', '{', '}', '^', '$', '*', '+', '?', '.', '|', '\\'];

fn is_literal(written: &str) -> bool {
    !written.contains(MARKS)
}

/// Whether a text has characters that paths of people seldom have, and expressions nearly always.
#[must_use]
pub fn is_expression(path: &str) -> bool {
    path.contains(['(', '[', '{', '^', '$', '*', '+', '?', '\\', '|'])
}

/// The text that everything begins with that `written` may be meant to match.
fn beginning(written: &str) -> String {
    // An alternative outside of groups may begin otherwise. What is inside of what, a broken text does not say, nor one with brackets, in
    // which parentheses are characters.
    let (mut depth, mut escaped) = (0_i32, false);
    let (mut outside, mut inside, mut unclear) = (false, false, false);
    for c in written.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            '[' => unclear = true,
            '|' if depth > 0 => inside = true,
            '|' => outside = true,
            _ => {}
        }
        unclear |= depth < 0;
    }
    let alternative = outside || (inside && (unclear || depth != 0));
    let mut literal = String::new();
    let mut rest = written.chars().peekable();
    while let Some(c) = rest.next().filter(|_| !alternative) {
        let meant = match c {
            // The two that are no punctuation are where words begin and end.
            '\\' => match rest.next().filter(|next| next.is_ascii_punctuation() && !matches!(next, '<' | '>')) {
                Some(meant) => meant,
                None => break,
            },
            // What a path has in escaped form may be meant in several.
            c if MARKS.contains(&c) || !c.is_ascii_graphic() => break,
            c => c,
        };
        // What may be repeated may be absent.
        if rest.peek().is_some_and(|next| matches!(next, '*' | '?' | '{')) {
            break;
        }
        literal.push(meant);
        if literal.len() > MAX_BYTES {
            break;
        }
    }
    literal
}

/// The text as canonical paths have it: characters that a path has only in escaped form are escaped. Inside of brackets there is no way.
fn encoded(written: &str) -> Cow<'_, str> {
    if is_plain(written) || written.contains('[') {
        return Cow::Borrowed(written);
    }
    let mut out = String::new();
    for c in written.chars() {
        if c.is_ascii() && c != ' ' {
            out.push(c);
        } else {
            out.push_str(&format!("(?:{})", escaped(c.encode_utf8(&mut [0; 4]))));
        }
    }
    Cow::Owned(out)
}

/// A plain text as canonical paths have it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii() && byte != b' ' {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn is_plain(text: &str) -> bool {
    text.is_ascii() && !text.contains(' ')
}

#[cfg(test)]
mod tests;
