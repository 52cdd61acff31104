//! The nginx directives in a snippet, and what to write instead of each. A snippet is text of a stranger: it is looked at, never run.

mod table;

use std::collections::BTreeSet;

use self::table::TABLE;
use crate::annotation::PREFIX;

pub use self::table::Instead;

/// Most bytes of a snippet that are looked at; what people write by hand is shorter.
const LOOKED_AT: usize = 256 << 10;
/// Most different directives of one snippet that are shown.
const SHOWN: usize = 32;
/// Longest name of a directive; the longest of nginx has 35 characters.
const NAME_BYTES: usize = 64;

/// A directive that stands in a snippet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Directive {
    /// Its name.
    pub name: String,
    /// What to write instead, a sentence or two.
    pub instead: String,
}

/// What to write instead of each directive that is known, in the order of their names.
pub fn replacements() -> impl Iterator<Item = (&'static str, Instead)> {
    TABLE.iter().copied()
}

/// Whether an annotation, by its whole key, holds nginx directives. The language of a firewall is another one.
#[must_use]
pub fn holds_directives(key: &str) -> bool {
    key.strip_prefix(PREFIX).is_some_and(|name| name.ends_with("-snippet") && !name.starts_with("modsecurity"))
}

/// What to write instead of a snippet, directive by directive, in at most `most` characters; nothing where it has no directive.
#[must_use]
pub(crate) fn remedy(snippet: &str, most: usize) -> Option<String> {
    const MORE: &str = " There is more in it: `bulkhead audit` lists all.";
    const THEN: &str = " Then remove the snippet.";
    let mut remedy = String::new();
    for Directive { name, instead } in in_snippet(snippet) {
        let one = format!("{}{name}: {instead}", if remedy.is_empty() { "" } else { " " });
        if remedy.chars().count() + one.chars().count() + MORE.len() + THEN.len() > most {
            remedy.push_str(MORE);
            break;
        }
        remedy.push_str(&one);
    }
    (!remedy.is_empty()).then(|| remedy + THEN)
}

/// The directives of a snippet, each once, in the order of their names. Bounded, whatever the text is.
#[must_use]
pub fn in_snippet(snippet: &str) -> Vec<Directive> {
    let end = snippet.floor_char_boundary(LOOKED_AT);
    let names = Scan::new(snippet.get(..end).unwrap_or_default()).names();
    let more = names.len() > SHOWN || end < snippet.len();
    let mut found: Vec<Directive> = names.into_iter().take(SHOWN).map(directive).collect();
    if more {
        found.push(Directive { name: "…".to_owned(), instead: "There is more in it than is shown.".to_owned() });
    }
    found
}

fn directive(name: &str) -> Directive {
    let instead = TABLE.iter().find(|(known, _)| *known == name).map_or_else(
        || "There is no typed replacement: ask whether the route needs it, or do it in the application.".to_owned(),
        |(_, instead)| instead.sentence(),
    );
    Directive { name: name.to_owned(), instead }
}

/// nginx's own notion of words, statements and blocks, as far as it takes to know which words begin a statement.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

enum Token<'a> {
    Word(&'a str),
    Open,
    /// `;` or `}`.
    End,
}

impl<'a> Scan<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn names(mut self) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        let mut first: Option<&str> = None;
        while let Some(token) = self.next() {
            match token {
                Token::Word(word) => {
                    if first.is_none() {
                        first = Some(word);
                        // One more than is shown tells that there are more.
                        if is_name(word) && names.len() <= SHOWN {
                            names.insert(word);
                        }
                    }
                }
                Token::Open if first.is_some_and(|name| name.ends_with("_by_lua_block")) => {
                    self.skip_block();
                    first = None;
                }
                Token::Open | Token::End => first = None,
            }
        }
        names
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.text.get(self.at..)?;
        let rest = rest.trim_start();
        self.at = self.text.len() - rest.len();
        let first = rest.chars().next()?;
        match first {
            '#' => {
                self.at += rest.find('\n').unwrap_or(rest.len());
                self.next_after_comment()
            }
            '{' => self.take(1, Token::Open),
            '}' | ';' => self.take(1, Token::End),
            '"' | '\'' => {
                let inner = rest.get(1..).unwrap_or_default();
                let length = quoted(inner, first);
                self.at += 1 + length;
                Some(Token::Word(inner.get(..length.saturating_sub(1)).unwrap_or_default()))
            }
            _ => {
                let length = word(rest);
                self.take(length, Token::Word(rest.get(..length).unwrap_or_default()))
            }
        }
    }

    /// A loop rather than a recursion would need a label; comments follow each other only as often as there are lines.
    fn next_after_comment(&mut self) -> Option<Token<'a>> {
        while let Some(rest) = self.text.get(self.at..).map(str::trim_start).filter(|rest| rest.starts_with('#')) {
            self.at = self.text.len() - rest.len() + rest.find('\n').unwrap_or(rest.len());
        }
        self.next()
    }

    fn take(&mut self, length: usize, token: Token<'a>) -> Option<Token<'a>> {
        self.at += length;
        Some(token)
    }

    /// Goes behind the brace that closes the block of another language that was just opened.
    fn skip_block(&mut self) {
        let mut depth = 1_usize;
        for (offset, byte) in self.text.bytes().enumerate().skip(self.at) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at = offset + 1;
                return;
            }
        }
        self.at = self.text.len();
    }
}

/// Bytes up to and with the quote that ends a text.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (offset, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return offset + 1,
            _ => {}
        }
    }
    text.len()
}

/// Bytes of a bare word. `${name}` is part of it.
fn word(text: &str) -> usize {
    let mut before = ' ';
    let mut in_variable = false;
    for (offset, character) in text.char_indices() {
        match character {
            '{' if before == '$' => in_variable = true,
            '}' if in_variable => in_variable = false,
            ';' | '{' | '}' if before != '\\' => return offset,
            _ if character.is_whitespace() => return offset,
            _ => {}
        }
        before = character;
    }
    text.len()
}

fn is_name(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=NAME_BYTES).contains(&word.len()) && word.bytes().all(fits)
}

#[cfg(test)]
mod tests;
