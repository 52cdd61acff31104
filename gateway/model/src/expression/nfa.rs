//! What an expression is compiled to first: a machine that may be in many states at once. Never run against a path as it is.

use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::look::Look;
use regex_automata::util::syntax;

use super::{BadExpression, MAX_COMPILED_BYTES};

/// How deep groups may lie in each other. Each level costs stack.
const MAX_NESTING: u32 = 50;

/// What stands on one side of a place in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Side {
    /// The path begins or ends there.
    Edge,
    /// A letter, a digit or `_`.
    Word,
    /// Anything else.
    Other,
}

impl Side {
    pub(super) const fn of(byte: u8) -> Self {
        if byte.is_ascii_alphanumeric() || byte == b'_' { Self::Word } else { Self::Other }
    }
}

/// Compiles the text of an expression, with its groups if anybody asks for them.
pub(super) fn compile(text: &str, groups: bool) -> Result<NFA, BadExpression> {
    let captures = if groups { WhichCaptures::All } else { WhichCaptures::None };
    let config =
        NFA::config().utf8(false).nfa_size_limit(Some(MAX_COMPILED_BYTES)).which_captures(captures).shrink(false);
    let syntax = syntax::Config::new().case_insensitive(true).unicode(false).utf8(false).nest_limit(MAX_NESTING);
    NFA::compiler().configure(config).syntax(syntax).build(text).map_err(|error| refusal(&error))
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

/// Whether an assertion holds between two sides. Paths are one line: no canonical path has an end of a line in it.
pub(super) const fn holds(look: Look, before: Side, after: Side) -> bool {
    let (was, is) = (matches!(before, Side::Word), matches!(after, Side::Word));
    match look {
        Look::Start | Look::StartLF | Look::StartCRLF => matches!(before, Side::Edge),
        Look::End | Look::EndLF | Look::EndCRLF => matches!(after, Side::Edge),
        Look::WordAscii | Look::WordUnicode => was != is,
        Look::WordAsciiNegate | Look::WordUnicodeNegate => was == is,
        Look::WordStartAscii | Look::WordStartUnicode => !was && is,
        Look::WordEndAscii | Look::WordEndUnicode => was && !is,
        Look::WordStartHalfAscii | Look::WordStartHalfUnicode => !was,
        Look::WordEndHalfAscii | Look::WordEndHalfUnicode => !is,
    }
}
