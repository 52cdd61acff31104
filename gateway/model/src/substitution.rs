//! A text of a backend's that another one stands for, as nginx writes it: what is looked for, and what is said instead.
//!
//! Whoever writes it is a stranger, and so is the backend: expressions are searched for in linear time, in texts of bounded length.

use regex::bytes::{Captures, Regex, RegexBuilder};
use thiserror::Error;

use crate::request::Request;
use crate::template::{Template, TemplateError};

/// Longest expression, in bytes, and most memory of what is made of it: responses make it run.
const MAX_PATTERN_BYTES: usize = 1 << 10;
const MAX_COMPILED_BYTES: usize = 16 << 10;
/// Longest text that variables make, in bytes: what browsers and servers take of a URI.
const MAX_FILLED_BYTES: usize = 8 << 10;
/// Bytes of one response that expressions are searched for in: more than places and paths of cookies have. With the dearest expression
/// that is let in they take some milliseconds.
const MAX_SEARCHED_BYTES: usize = 2 << 10;
/// Bytes that all substitutions of one response may make together: groups can be written many times, and a backend may set many cookies.
const MAX_MADE_BYTES: usize = 16 << 10;

/// What stands for what. `T` is [`Template`] where it is written, and [`Filled`] where it is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Substitution<T = Template> {
    sought: Sought<T>,
    instead: Box<[Piece<T>]>,
}

/// What a template has made of a request.
pub type Filled = Box<[u8]>;

#[derive(Clone, Debug)]
enum Sought<T> {
    Text(T),
    Expression(Regex),
}

/// Expressions are equal if they are written alike, whether case matters included.
impl<T: PartialEq> PartialEq for Sought<T> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Expression(one), Self::Expression(other)) => one.as_str() == other.as_str(),
            _ => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece<T> {
    Text(T),
    /// What this group of the expression has matched; nothing if it has not.
    Group(usize),
}

/// How much of a value a text that is looked for must be. An expression may match anywhere, and all of the value is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Its beginning, in this case. What is behind it stays.
    Beginning,
    /// All of it, in any case.
    All,
}

/// Why two texts are no substitution.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadSubstitution {
    /// It is none, is too large, or has look-around or back-references.
    #[error("what follows the ~ is no regular expression that can be used")]
    Expression,
    /// A text with variables that are none.
    #[error("{0}")]
    Template(#[from] TemplateError),
}

/// What substitutions may still do to one response.
#[derive(Debug)]
pub struct Allowance {
    /// Bytes that expressions may be searched for in.
    searched: usize,
    /// Bytes that may be made.
    made: usize,
}

impl Allowance {
    /// For one response.
    pub const fn for_response() -> Self {
        Self { searched: MAX_SEARCHED_BYTES, made: MAX_MADE_BYTES }
    }

    fn search(&mut self, bytes: usize) -> Option<()> {
        self.searched = self.searched.checked_sub(bytes)?;
        Some(())
    }

    /// Takes `bytes` that come instead of others.
    pub(crate) fn make(&mut self, bytes: usize) -> Option<()> {
        self.made = self.made.checked_sub(bytes)?;
        Some(())
    }
}

impl Substitution {
    /// Reads both sides. An expression begins with `~`, or with `~*` if case does not matter in it; `caseless` says that it never does.
    ///
    /// # Errors
    /// [`BadSubstitution`] says what is wrong with them.
    pub fn parse(sought: &str, instead: &str, caseless: bool) -> Result<Self, BadSubstitution> {
        let Some(pattern) = sought.strip_prefix('~') else {
            let instead = [Piece::Text(Template::parse(instead)?)];
            return Ok(Self { sought: Sought::Text(Template::parse(sought)?), instead: instead.into() });
        };
        let expression = match pattern.strip_prefix('*') {
            Some(pattern) => expression(pattern, true)?,
            None => expression(pattern, caseless)?,
        };
        let instead = pieces(instead, &expression)?;
        Ok(Self { sought: Sought::Expression(expression), instead })
    }

    /// Whether it says the same of every request.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        let sought = match &self.sought {
            Sought::Text(text) => text.is_fixed(),
            Sought::Expression(_) => true,
        };
        sought && self.instead.iter().all(|piece| !matches!(piece, Piece::Text(text) if !text.is_fixed()))
    }

    /// What it says of a request. `None`: more than can be said.
    #[must_use]
    pub fn fill(&self, request: &Request<'_>) -> Option<Substitution<Filled>> {
        let fill = |template: &Template| {
            let mut text = Vec::new();
            template.write(request, MAX_FILLED_BYTES, &mut text).ok()?;
            Some(text.into())
        };
        let sought = match &self.sought {
            Sought::Text(template) => Sought::Text(fill(template)?),
            Sought::Expression(expression) => Sought::Expression(expression.clone()),
        };
        let filled = self.instead.iter().map(|piece| match piece {
            Piece::Text(template) => fill(template).map(Piece::Text),
            Piece::Group(group) => Some(Piece::Group(*group)),
        });
        Some(Substitution { sought, instead: filled.collect::<Option<_>>()? })
    }
}

impl Substitution<Filled> {
    /// What `value` becomes. `None`: it stays as it is.
    #[must_use]
    pub fn apply(&self, value: &[u8], extent: Extent, allowance: &mut Allowance) -> Option<Vec<u8>> {
        match (&self.sought, extent) {
            (Sought::Text(sought), Extent::Beginning) => self.made(value.strip_prefix(&**sought)?, None, allowance),
            (Sought::Text(sought), Extent::All) => {
                value.eq_ignore_ascii_case(sought).then(|| self.made(b"", None, allowance)).flatten()
            }
            (Sought::Expression(expression), _) => {
                allowance.search(value.len())?;
                self.made(b"", Some(&expression.captures(value)?), allowance)
            }
        }
    }

    fn made(&self, rest: &[u8], captures: Option<&Captures<'_>>, allowance: &mut Allowance) -> Option<Vec<u8>> {
        let mut out: Vec<u8> = Vec::new();
        for piece in &self.instead {
            let text: &[u8] = match piece {
                Piece::Text(text) => text,
                Piece::Group(group) => {
                    captures.and_then(|captures| captures.get(*group)).map_or(b"", |group| group.as_bytes())
                }
            };
            // Of each piece, and not of what is left of the value: that has been held to a bound already.
            allowance.make(text.len())?;
            out.extend_from_slice(text);
        }
        out.extend_from_slice(rest);
        Some(out)
    }
}

fn expression(pattern: &str, caseless: bool) -> Result<Regex, BadSubstitution> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(BadSubstitution::Expression);
    }
    // Written into the text, so that two that differ in it do not look alike.
    let text = if caseless { format!("(?i){pattern}") } else { pattern.to_owned() };
    let mut builder = RegexBuilder::new(&text);
    builder.unicode(false).size_limit(MAX_COMPILED_BYTES).dfa_size_limit(MAX_COMPILED_BYTES);
    builder.build().map_err(|_| BadSubstitution::Expression)
}

/// Text in which `$1` to `$9`, and the names of groups, stand for groups.
fn pieces(text: &str, expression: &Regex) -> Result<Box<[Piece<Template>]>, BadSubstitution> {
    let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some((before, behind)) = rest.split_once('$') {
        plain.push_str(before);
        match group(behind, expression) {
            Some((group, after)) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(Template::parse(&std::mem::take(&mut plain))?));
                }
                pieces.push(Piece::Group(group));
                rest = after;
            }
            // A variable, for the template to read.
            None => {
                plain.push('$');
                rest = behind;
            }
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(Template::parse(&plain)?));
    }
    Ok(pieces.into())
}

/// The group that a text behind a `$` begins with, and what follows. One digit, as in nginx: `$10` is the first group and a zero.
fn group<'t>(behind: &'t str, expression: &Regex) -> Option<(usize, &'t str)> {
    let digit = |text: &str| text.chars().next().and_then(|first| first.to_digit(10)).filter(|digit| *digit > 0);
    if let Some(digit) = digit(behind) {
        return Some((digit as usize, behind.get(1..)?));
    }
    let (name, after) = match behind.strip_prefix('{') {
        Some(braced) => braced.split_once('}')?,
        None => {
            let end = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len());
            behind.split_at_checked(end)?
        }
    };
    let is_digit = name.len() == 1;
    match digit(name).filter(|_| is_digit) {
        Some(digit) => Some((digit as usize, after)),
        None => Some((expression.capture_names().position(|known| known == Some(name))?, after)),
    }
}

#[cfg(test)]
mod tests;
