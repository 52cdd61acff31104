//! Paths that are written as regular expressions.
//!
//! An expression is matched against canonical paths, as bytes: it must match at the beginning and need not reach the end, and the case
//! of letters does not matter, as in ingress-nginx. Whoever writes it is a stranger, so it is bounded in every way: by its length, by
//! what it compiles to, and by the work that one path may cost. Look-around and back-references, which have no bound, do not exist.

mod engine;
mod set;

use std::borrow::Cow;
use std::sync::Arc;

use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::{captures::Captures, syntax};
use regex_automata::{Anchored, Input, meta};
use thiserror::Error;

pub(crate) use self::set::ExpressionSet;

/// Longest expression, in bytes: twenty times what people write.
const MAX_BYTES: usize = 2 << 10;
/// Most that an expression compiles to, in bytes: an alternative of some hundred words.
const MAX_COMPILED_BYTES: usize = 96 << 10;
/// Most that all expressions of a host may compile to, in bytes: those of some thousand paths.
pub const MAX_HOST_BYTES: usize = 8 << 20;
/// Most that the quickest way to find groups may take for each expression, in bytes; those that people write take a tenth.
const MAX_ONEPASS_BYTES: usize = 16 << 10;
/// How deep groups may lie in each other. Each level costs stack.
const MAX_NESTING: u32 = 50;
/// Most steps, states of an expression times bytes of a path, that are taken to find what its groups match: a few hundredths of a
/// second.
const MAX_STEPS: usize = 4 << 20;

/// A path expression. Two are equal if they are written alike and tell the same.
#[derive(Debug)]
pub struct PathExpression {
    written: Arc<str>,
    /// What it compiles to, in bytes.
    size: usize,
    states: usize,
    /// Finds what its groups have matched, if anybody wants to know.
    groups: Option<meta::Regex>,
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
        if written.len() > MAX_BYTES {
            return Err(BadExpression::Long);
        }
        let text = encoded(written);
        let nfa = compile(&[&text], MAX_COMPILED_BYTES)?;
        // Only groups are asked for, and never where the expression begins.
        let config = meta::Config::new()
            .hybrid(false)
            .auto_prefilter(false)
            .onepass_size_limit(Some(MAX_ONEPASS_BYTES))
            .nfa_size_limit(Some(4 * MAX_COMPILED_BYTES))
            .utf8_empty(false);
        let build = || meta::Builder::new().configure(config).syntax(syntax()).build(&text).ok();
        let groups = if groups { Some(build().ok_or(BadExpression::Large)?) } else { None };
        Ok(Self { written: written.into(), size: nfa.memory_usage(), states: nfa.states().len(), groups })
    }

    /// As it is written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// What it compiles to, in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// What its groups match of `path`. `None`: it does not match, or nobody was to know.
    pub(crate) fn groups(&self, path: &[u8]) -> Result<Option<Captures>, Costly> {
        let Some(regex) = &self.groups else { return Ok(None) };
        if self.states.saturating_mul(path.len()) > MAX_STEPS {
            return Err(Costly);
        }
        let mut captures = regex.create_captures();
        regex.search_captures(&Input::new(path).anchored(Anchored::Yes), &mut captures);
        Ok(Some(captures).filter(Captures::is_match))
    }
}

/// Whether a text has characters that paths of people seldom have, and expressions nearly always.
#[must_use]
pub fn is_expression(path: &str) -> bool {
    path.contains(['(', '[', '{', '^', '$', '*', '+', '?', '\\', '|'])
}

/// An expression for everything that begins as whatever `written` may be meant to match must begin.
fn beginning(written: &str) -> String {
    /// What stands for something else than itself.
    const MARKS: [char; 13] = ['(', ')', '[', ']', '{', '}', '^', '$', '*', '+', '?', '.', '|'];
    // An alternative outside of groups may begin otherwise; and what is inside of what, a broken text does not say.
    let (mut depth, mut alternative, mut escaped) = (0_i32, false, false);
    for c in written.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            '|' => alternative |= depth <= 0,
            _ => {}
        }
    }
    let mut literal = String::new();
    let mut rest = written.chars().peekable();
    while let Some(c) = rest.next().filter(|c| !alternative && !MARKS.contains(c)) {
        let meant = match c {
            '\\' => match rest.next().filter(char::is_ascii_punctuation) {
                Some(meant) => meant,
                None => break,
            },
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
    regex::escape(&literal)
}

/// The text as canonical paths have it: characters that a path has only in escaped form are escaped. Inside of brackets there is no way.
fn encoded(written: &str) -> Cow<'_, str> {
    if written.is_ascii() && !written.contains(' ') || written.contains('[') {
        return Cow::Borrowed(written);
    }
    let mut out = String::new();
    for c in written.chars() {
        if c.is_ascii() && c != ' ' {
            out.push(c);
            continue;
        }
        let bytes: String = c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")).collect();
        out.push_str(&format!("(?:{bytes})"));
    }
    Cow::Owned(out)
}

fn syntax() -> syntax::Config {
    syntax::Config::new().case_insensitive(true).unicode(false).utf8(false).nest_limit(MAX_NESTING)
}

/// The automaton of some expressions.
fn compile<P: AsRef<str>>(texts: &[P], limit: usize) -> Result<NFA, BadExpression> {
    let config =
        NFA::config().utf8(false).nfa_size_limit(Some(limit)).which_captures(WhichCaptures::None).shrink(false);
    NFA::compiler().configure(config).syntax(syntax()).build_many(texts).map_err(|error| refusal(&error))
}

fn refusal(error: &thompson::BuildError) -> BadExpression {
    use std::error::Error as _;
    match error.source() {
        // The last line says what is wrong; those before show where, in a picture of many lines.
        Some(syntax) => {
            let all = syntax.to_string();
            let last = all.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or("it cannot be read");
            BadExpression::Syntax(last.into())
        }
        None => BadExpression::Large,
    }
}

#[cfg(test)]
mod tests;
