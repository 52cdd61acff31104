//! Which pages of other origins browsers let read the responses.

use bulkhead_model::cross_origin::{Answers, CrossOrigin, OriginPattern, Origins};

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};
use crate::findings::quote;

const ENABLE: &str = "enable-cors";
const ORIGIN: &str = "cors-allow-origin";
const METHODS: &str = "cors-allow-methods";
const HEADERS: &str = "cors-allow-headers";
const CREDENTIALS: &str = "cors-allow-credentials";
const EXPOSE: &str = "cors-expose-headers";
const MAX_AGE: &str = "cors-max-age";

pub(super) const ROWS: &[Row] = &[
    Row::new(ENABLE, Group::Access, Use::Must, State::Obeyed),
    Row::new(
        ORIGIN,
        Group::Access,
        Use::Must,
        State::Approximated(
            "An origin that is written without a scheme stands for its host alone, not for every host whose name ends like it.",
        ),
    ),
    Row::new(METHODS, Group::Access, Use::Must, State::Obeyed),
    Row::new(HEADERS, Group::Access, Use::Must, State::Obeyed),
    Row::new(
        CREDENTIALS,
        Group::Access,
        Use::Must,
        State::Approximated(
            "Where every origin is let in, the profile Standard does not say that credentials are: browsers refuse both together.",
        ),
    ),
    Row::new(EXPOSE, Group::Access, Use::Must, State::Obeyed),
    Row::new(MAX_AGE, Group::Access, Use::Must, State::Obeyed),
];

/// The values of ingress-nginx where none is written.
const DEFAULT_METHODS: &str = "GET, PUT, POST, DELETE, PATCH, OPTIONS";
const DEFAULT_HEADERS: &str =
    "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";
/// Seconds: twenty days.
const DEFAULT_MAX_AGE: i64 = 1_728_000;

/// Most origins of a list. Each is compared with that of every request, on the lane's own time.
const MAX_ORIGINS: usize = 256;

/// As the profile Standard has it.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<CrossOrigin> {
    if reader.switch(ENABLE, Stake::Comfort) != Some(true) {
        return None;
    }
    let origins = origins(reader);
    let credentials = reader.switch(CREDENTIALS, Stake::Comfort).unwrap_or(true);
    let methods = words(reader, METHODS).unwrap_or_else(|| DEFAULT_METHODS.into());
    let headers = words(reader, HEADERS).unwrap_or_else(|| DEFAULT_HEADERS.into());
    let mut fields = vec![
        ("Access-Control-Allow-Methods", methods),
        ("Access-Control-Allow-Headers", headers),
        ("Access-Control-Max-Age", max_age(reader).to_string().into()),
    ];
    fields.extend(words(reader, EXPOSE).map(|exposed| ("Access-Control-Expose-Headers", exposed)));
    let answers = Answers::Preflights;
    Some(CrossOrigin { origins, credentials, credentials_for_any: false, answers, fields: fields.into() })
}

/// One that cannot be read lets nobody in, and if none can be, nobody is.
fn origins(reader: &mut Reader<'_, '_>) -> Origins {
    if !reader.has(ORIGIN) {
        return Origins::Any;
    }
    let Some(written) = reader.list(ORIGIN, Stake::Comfort) else {
        // An empty one is as good as none; one that is refused as a whole is not.
        let is_empty = reader.is_empty(ORIGIN);
        return if is_empty { Origins::Any } else { Origins::Listed([].into()) };
    };
    if written.contains(&"*") {
        return Origins::Any;
    }
    let mut patterns = Vec::new();
    for text in written {
        match OriginPattern::parse(text) {
            Some(pattern) if patterns.len() < MAX_ORIGINS => patterns.push(pattern),
            Some(_) => {
                reader.left_out(
                    ORIGIN,
                    &format!("it has more than {MAX_ORIGINS} origins, of which the first are let in"),
                );
                break;
            }
            None => reader.left_out(ORIGIN, &format!("{} is no origin and is left out", quote(text))),
        }
    }
    Origins::Listed(patterns.into())
}

/// Names that commas or spaces divide, as a field has them.
fn words(reader: &mut Reader<'_, '_>, name: &str) -> Option<Box<str>> {
    let text = reader.text(name, Stake::Comfort)?;
    let is_word =
        |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*'));
    let words: Vec<&str> =
        text.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|word| !word.is_empty()).collect();
    match words.iter().find(|word| !is_word(word)) {
        Some(bad) => reader.bad(name, Stake::Comfort, &format!("{} is no name", quote(bad))),
        None => Some(words.join(", ").into()),
    }
}

/// Seconds; -1 is said to browsers that must not remember anything.
fn max_age(reader: &mut Reader<'_, '_>) -> i64 {
    let Some(text) = reader.text(MAX_AGE, Stake::Comfort) else { return DEFAULT_MAX_AGE };
    let known = text.parse().ok().filter(|seconds| (-1..=i64::from(i32::MAX)).contains(seconds));
    known
        .or_else(|| reader.bad(MAX_AGE, Stake::Comfort, &format!("{} is no number of seconds", quote(text))))
        .unwrap_or(DEFAULT_MAX_AGE)
}
