//! What a backend's answer says otherwise to the client.

use bulkhead_model::Template;
use bulkhead_model::revision::{Attribute, Revision, Wanted};
use bulkhead_model::substitution::Substitution;

use super::reader::{Reader, Stake, key};
use super::row::{Group, Row, State, Use};
use crate::code::FindingCode;

const DOMAIN: &str = "proxy-cookie-domain";
const PATH: &str = "proxy-cookie-path";
const FROM: &str = "proxy-redirect-from";
const TO: &str = "proxy-redirect-to";

/// Of all cookies that are looked at.
const COOKIES: State = State::Approximated(
    "Look-around and back-references are refused, and values in which expressions are searched for are bounded. Attributes behind the \
     second text, as in `/ \"/; Secure\"`, stand behind the whole value.",
);
const PLACES: State = State::Approximated(
    "`default` changes nothing, as it names nothing that a backend could know. A place without a host stays one; look-around and \
     back-references are refused.",
);

pub(super) const ROWS: &[Row] = &[
    Row::new(DOMAIN, Group::Proxying, Use::Should, COOKIES),
    Row::new(PATH, Group::Proxying, Use::Should, COOKIES),
    Row::new(FROM, Group::Routing, Use::Should, PLACES),
    Row::new(TO, Group::Routing, Use::Should, PLACES),
];

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<Revision> {
    let (domain, path) = (attribute(reader, DOMAIN, true), attribute(reader, PATH, false));
    Revision::new(Wanted { places: places(reader), domain, path })
}

/// What cookies say in one attribute.
fn attribute(reader: &mut Reader<'_, '_>, name: &str, caseless: bool) -> Option<Attribute<Template>> {
    let text = reader.text(name, Stake::Comfort).filter(|text| *text != "off")?;
    let Some([sought, instead]) = words(text).and_then(|words| <[String; 2]>::try_from(words).ok()) else {
        return reader.bad(
            name,
            Stake::Comfort,
            "it is neither off nor two texts, each without spaces or within quotes",
        );
    };
    // A dot before a domain says nothing (RFC 6265 §5.2.3).
    let bare = |text: &str| if caseless { text.strip_prefix('.').unwrap_or(text).to_owned() } else { text.to_owned() };
    let instead = if sought.starts_with('~') { instead } else { bare(&instead) };
    match Attribute::parse(&bare(&sought), &instead, caseless) {
        Ok(attribute) => Some(attribute),
        Err(why) => reader.bad(name, Stake::Comfort, &why.to_string()),
    }
}

/// What `Location` and `Refresh` say.
fn places(reader: &mut Reader<'_, '_>) -> Option<Substitution> {
    let (from, to) = (reader.text(FROM, Stake::Comfort), reader.text(TO, Stake::Comfort).filter(|to| *to != "off"));
    let (from, to) = match (from, to) {
        (Some("off" | "default"), _) | (None, None) => return None,
        (Some(from), Some(to)) => (from, to),
        (from, _) => {
            let (alone, other) = if from.is_some() { (FROM, TO) } else { (TO, FROM) };
            reader.notes.add(FindingCode::AnnotationNotServed, &key(alone), || {
                format!("The annotation {alone} says nothing where there is no {other}.")
            });
            return None;
        }
    };
    let word = |text| words(text).and_then(|words| <[String; 1]>::try_from(words).ok());
    let (Some([from]), Some([to])) = (word(from), word(to)) else {
        return reader.bad(
            FROM,
            Stake::Comfort,
            "it and proxy-redirect-to are to be one text each, without spaces or within quotes",
        );
    };
    match Substitution::parse(&from, &to, false) {
        Ok(places) => Some(places),
        Err(why) => reader.bad(FROM, Stake::Comfort, &why.to_string()),
    }
}

/// The arguments of a directive of nginx: parted by spaces, or within quotes. `None`: a quote is not closed, or the directive would end.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let quote = matches!(first, '"' | '\'').then_some(first);
        let mut word = String::new();
        let mut all = rest.char_indices().skip(usize::from(quote.is_some()));
        let mut end = None;
        while let Some((at, c)) = all.next() {
            match c {
                '\\' => {
                    let (_, next) = all.next()?;
                    if !matches!(next, '"' | '\'' | '\\') {
                        word.push('\\');
                    }
                    word.push(next);
                }
                c if Some(c) == quote || (quote.is_none() && c.is_whitespace()) => {
                    end = Some(at + c.len_utf8());
                    break;
                }
                ';' if quote.is_none() => return None,
                c => word.push(c),
            }
        }
        if quote.is_some() && end.is_none() {
            return None;
        }
        words.push(word);
        rest = rest.get(end.unwrap_or(rest.len())..)?;
        // Behind a quote, a word ends as well.
        if quote.is_some() && rest.starts_with(|c: char| !c.is_whitespace()) {
            return None;
        }
        rest = rest.trim_start();
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::findings::Notes;
    use crate::name::Name;

    /// Whether there is a revision, and how many findings.
    fn read(annotations: &[(&str, &str)]) -> (Option<Revision>, usize) {
        let annotations: BTreeMap<String, String> =
            annotations.iter().map(|(name, value)| (key(name), (*value).to_owned())).collect();
        let name = Name::new("mill", "web");
        let mut notes = Notes::new("Ingress", &name);
        let mut reader = Reader::new(&annotations, "mill", &mut notes);
        let revision = super::read(&mut reader);
        assert!(!reader.refused);
        (revision, notes.into_list().len())
    }

    #[test]
    fn words_are_parted_by_spaces_or_within_quotes() {
        for (text, parted) in [
            ("a  b", Some(vec!["a", "b"])),
            (r#"/ "/; Secure; HttpOnly""#, Some(vec!["/", "/; Secure; HttpOnly"])),
            (r#"'~^/a b' /$1"#, Some(vec!["~^/a b", "/$1"])),
            (r#"~^/\d+\.x "a\"b""#, Some(vec![r"~^/\d+\.x", "a\"b"])),
            ("", Some(vec![])),
            ("a b; c", None),
            ("\"a", None),
            ("\"a\"b", None),
            ("a\\", None),
        ] {
            let parted = parted.map(|words| words.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(words(text), parted, "{text}");
        }
    }

    #[test]
    fn what_is_off_or_alone_changes_nothing_and_what_cannot_be_read_is_noted() {
        for (annotations, findings) in [
            (&[(DOMAIN, "off"), (PATH, "off"), (FROM, "off"), (TO, "http://x/")][..], 0),
            (&[(FROM, "default")], 0),
            (&[(FROM, "http://a/")], 1),
            (&[(TO, "http://a/")], 1),
            (&[(TO, "off")], 0),
            (&[(FROM, "http://a/"), (TO, "off")], 1),
            (&[(FROM, "a b"), (TO, "c")], 1),
            (&[(FROM, "~("), (TO, "c")], 1),
            (&[(FROM, "/a"), (TO, "/$1")], 1),
            (&[(DOMAIN, "a")], 1),
            (&[(DOMAIN, "a b c")], 1),
            (&[(PATH, "/a /b; proxy_pass http://evil")], 1),
            (&[(PATH, "/a \"/b; x y\"")], 1),
            (&[(PATH, "~(?=a) /b")], 1),
        ] {
            assert_eq!(read(annotations), (None, findings), "{annotations:?}");
        }
    }

    #[test]
    fn dots_before_domains_say_nothing() {
        let domain = |text| read(&[(DOMAIN, text)]);
        assert_eq!(domain(".mill.test .shop.test"), domain("mill.test shop.test"));
        assert_ne!(domain(r"~\.mill\.test$ .shop.test"), domain(r"~\.mill\.test$ shop.test"));
        assert!(domain("mill.test shop.test").0.is_some());
    }
}
