//! The line of a field in the text of a manifest.
//!
//! Values know no lines. Block style is followed by its indentation; in flow style, and in JSON, the name of the field is looked
//! for. The line is for people: where a text is both, it may be that of a namesake.

use std::ops::Range;

/// One step of a path: into a field, or into an item of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

/// Line, counted from 1, of the field at `path` (such as `spec.rules[0].host`) in the document of `text` that begins on line
/// `document`; the line of what is found of the path when the field is not.
pub(crate) fn line_of(text: &str, document: u64, path: &str) -> u64 {
    let lines: Vec<&str> = text.lines().collect();
    let begin = usize::try_from(document.saturating_sub(1)).unwrap_or(usize::MAX).min(lines.len());
    let next = lines.iter().skip(begin + 1).position(|line| line.starts_with("---"));
    let mut scope = begin..next.map_or(lines.len(), |next| begin + 1 + next);
    let mut found = begin;
    for step in steps(path) {
        let entered = match step {
            Step::Field(name) => field(&lines, &scope, name),
            Step::Item(index) => item(&lines, &scope, index),
        };
        if let Some((line, inside)) = entered {
            (found, scope) = (line, inside);
        } else if let Step::Field(name) = step {
            found = (found..scope.end).find(|line| names(at(&lines, *line), name)).unwrap_or(found);
        }
    }
    (found as u64).saturating_add(1)
}

fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let mut pieces = part.split('[');
        steps.extend(pieces.next().filter(|name| !name.is_empty()).map(Step::Field));
        steps.extend(pieces.filter_map(|piece| piece.trim_end_matches(']').parse().ok()).map(Step::Item));
    }
    steps
}

fn at<'a>(lines: &[&'a str], line: usize) -> &'a str {
    lines.get(line).copied().unwrap_or_default()
}

/// The line of a field in block style, and the lines inside it.
fn field(lines: &[&str], scope: &Range<usize>, name: &str) -> Option<(usize, Range<usize>)> {
    // A quotation mark is part of the key.
    let column = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let line = scope.clone().find(|line| key(at(lines, *line)).strip_prefix(name).is_some_and(is_colon))?;
    let own = column(at(lines, line));
    let is_after = |text: &str| match indent(text) {
        Some(indent) => indent < own || (indent == own && !text.trim_start().starts_with('-')),
        None => false,
    };
    let end = (line + 1..scope.end).find(|line| is_after(at(lines, *line))).unwrap_or(scope.end);
    Some((line, line + 1..end))
}

/// The line an item of a list in block style begins on, and the lines of it.
fn item(lines: &[&str], scope: &Range<usize>, index: usize) -> Option<(usize, Range<usize>)> {
    let is_item = |line: &usize| at(lines, *line).trim_start().split(' ').next() == Some("-");
    let level = indent(at(lines, scope.clone().find(is_item)?));
    let mut items = scope.clone().filter(is_item).filter(|line| indent(at(lines, *line)) == level).skip(index);
    let line = items.next()?;
    Some((line, line..items.next().unwrap_or(scope.end)))
}

/// Columns before the content of a line; nothing for one without content.
fn indent(line: &str) -> Option<usize> {
    let content = line.trim_start();
    (!content.is_empty() && !content.starts_with('#')).then(|| line.len() - content.len())
}

/// A line from its first key on.
fn key(line: &str) -> &str {
    line.trim_start_matches([' ', '-', '"', '\''])
}

fn is_colon(rest: &str) -> bool {
    rest.trim_start_matches(['"', '\'']).starts_with(':')
}

/// Whether `line` has a key `name` anywhere.
fn names(line: &str, name: &str) -> bool {
    let is_word = |char: char| char.is_alphanumeric() || "-_./".contains(char);
    line.match_indices(name).any(|(place, _)| {
        let (before, rest) =
            (line.get(..place).unwrap_or_default(), line.get(place + name.len()..).unwrap_or_default());
        !before.ends_with(is_word) && is_colon(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# first\nkind: A\n---\nkind: Ingress\nmetadata:\n  name: quay\nspec:\n  rules:\n  - host: a\n    http: {paths: [{path: /, backend: {service: {name: pier}}}]}\n  - host: b\n    http:\n      paths:\n        - path: /\n          backends:\n            service: {name: pier}\n---\nspec: 1\n";

    #[test]
    fn a_field_is_found_by_its_path() {
        let cases = [
            ("kind", 4),
            ("metadata.name", 6),
            ("spec", 7),
            ("spec.rules[1].host", 11),
            ("spec.rules[1].http.paths[0].backends", 15),
            ("spec.rules[1].http.paths[0].backends.service.name", 16),
            ("spec.rules[0].http.paths[0].backend.service.name", 10),
            ("spec.tls", 7),
        ];
        for (path, line) in cases {
            assert_eq!(line_of(TEXT, 4, path), line, "{path}");
        }
        assert_eq!(line_of("{\n \"spec\": {\n  \"image\": 1\n }\n}", 1, "spec.image"), 3);
        assert_eq!(line_of("", 9, "spec"), 1);
    }
}
