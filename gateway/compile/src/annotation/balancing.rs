//! Which endpoint is asked: by turns and loads, by what requests have in common, by the session that a cookie names.

use bulkhead_model::Template;
use bulkhead_model::balance::{Affinity, Attributes, HashBy, Method, Mode, SameSite, Side, Sticky, is_cookie_path};

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};
use crate::findings::quote;

const METHOD: &str = "load-balance";
const HASH: &str = "upstream-hash-by";
const SUBSET: &str = "upstream-hash-by-subset";
const SUBSET_SIZE: &str = "upstream-hash-by-subset-size";
const AFFINITY: &str = "affinity";
const MODE: &str = "affinity-mode";
const NAME: &str = "session-cookie-name";
const PATH: &str = "session-cookie-path";
const MAX_AGE: &str = "session-cookie-max-age";
const EXPIRES: &str = "session-cookie-expires";
const DOMAIN: &str = "session-cookie-domain";
const SAME_SITE: &str = "session-cookie-samesite";
const SPARES_OLD: &str = "session-cookie-conditional-samesite-none";
const SECURE: &str = "session-cookie-secure";
const MOVES: &str = "session-cookie-change-on-failure";

pub(super) const ROWS: &[Row] = &[
    Row::new(
        METHOD,
        Group::Balancing,
        Use::Should,
        State::Approximated(
            "`chash`, `chashsubset`, `sticky_balanced` and `sticky_persistent` change nothing: `upstream-hash-by` and `affinity` are obeyed whatever is written here.",
        ),
    ),
    Row::new(
        HASH,
        Group::Balancing,
        Use::Must,
        State::Approximated(
            "Keys lead to other endpoints than in ingress-nginx, and past one that has a quarter more to do than the mean.",
        ),
    ),
    Row::new(SUBSET, Group::Balancing, Use::Rare, State::Obeyed),
    Row::new(
        SUBSET_SIZE,
        Group::Balancing,
        Use::Rare,
        State::Approximated("A key has endpoints of its own: subsets overlap, and are 255 at most."),
    ),
    Row::new(
        AFFINITY,
        Group::Balancing,
        Use::Must,
        State::Approximated("Cookies of ingress-nginx are not understood: such a client begins a new session."),
    ),
    Row::new(MODE, Group::Balancing, Use::Must, State::Obeyed),
    Row::new(NAME, Group::Balancing, Use::Must, State::Obeyed),
    Row::new(
        PATH,
        Group::Balancing,
        Use::Must,
        State::Approximated("Where it is not written and the path is a regular expression, the cookie is for `/`."),
    ),
    Row::new(MAX_AGE, Group::Balancing, Use::Must, State::Obeyed),
    Row::new(EXPIRES, Group::Balancing, Use::Must, State::Obeyed),
    Row::new(DOMAIN, Group::Balancing, Use::Should, State::Obeyed),
    Row::new(SAME_SITE, Group::Balancing, Use::Must, State::Obeyed),
    Row::new(SPARES_OLD, Group::Balancing, Use::Rare, State::Obeyed),
    Row::new(SECURE, Group::Balancing, Use::Must, State::Obeyed),
    Row::new(
        MOVES,
        Group::Balancing,
        Use::Should,
        State::Approximated(
            "Where it is false, another endpoint answers while the session's own fails, and the session comes back to it.",
        ),
    ),
];

/// Name of the cookie where none is written, as in ingress-nginx.
const COOKIE: &str = "INGRESSCOOKIE";
/// Longest text of a cookie's attributes, in bytes: browsers take 1024 of each (RFC 6265bis §5.6).
const MAX_ATTRIBUTE_BYTES: usize = 1024;
/// Endpoints of a subset where no number is written, as in ingress-nginx.
const SUBSET_ENDPOINTS: u8 = 3;

/// How an endpoint is chosen, where requests do not belong together. `None`: as the lane says.
pub(super) fn method(reader: &mut Reader<'_, '_>) -> Option<Method> {
    let words = [
        ("round_robin", Ok(Method::RoundRobin)),
        ("ewma", Ok(Method::PeakEwma)),
        ("chash", Err(HASH)),
        ("chashsubset", Err(HASH)),
        ("sticky_balanced", Err(AFFINITY)),
        ("sticky_persistent", Err(AFFINITY)),
    ];
    match reader.word(METHOD, &words, Stake::Comfort)? {
        Ok(method) => Some(method),
        Err(other) if reader.has(other) => None,
        Err(other) => reader.bad(METHOD, Stake::Comfort, &format!("it says nothing without the annotation {other}")),
    }
}

/// Which requests belong together. Sessions count before what requests have in common.
pub(super) fn affinity(reader: &mut Reader<'_, '_>) -> Option<Affinity> {
    let hash = hash(reader);
    let sticky = sticky(reader);
    let is_on = reader.word(AFFINITY, &[("cookie", ())], Stake::Comfort).is_some();
    if is_on { Some(Affinity::Sticky(sticky)) } else { hash }
}

fn hash(reader: &mut Reader<'_, '_>) -> Option<Affinity> {
    let in_subsets = reader.switch(SUBSET, Stake::Comfort).unwrap_or(false);
    let size = reader.number(SUBSET_SIZE, 1..=u64::from(u32::MAX), Stake::Comfort);
    let size = size.map_or(SUBSET_ENDPOINTS, |size| u8::try_from(size).unwrap_or(u8::MAX));
    let text = reader.text(HASH, Stake::Comfort)?;
    match Template::parse(text) {
        Ok(text) if in_subsets => Some(Affinity::Subset(HashBy::Template(text), size)),
        Ok(text) => Some(Affinity::Hash(HashBy::Template(text))),
        Err(why) => reader.bad(HASH, Stake::Comfort, &why.to_string()),
    }
}

fn sticky(reader: &mut Reader<'_, '_>) -> Sticky {
    let stake = Stake::Comfort;
    let modes = [("balanced", Mode::Balanced), ("persistent", Mode::Persistent)];
    let mode = reader.word(MODE, &modes, stake).unwrap_or_default();
    let cookie = fit(reader, NAME, is_token).unwrap_or(COOKIE).into();
    let mut seconds = |name| reader.number(name, 0..=u64::from(u32::MAX), stake).and_then(|n| u32::try_from(n).ok());
    let (expires, max_age) = (seconds(EXPIRES), seconds(MAX_AGE));
    let sites = [("None", SameSite::None), ("Lax", SameSite::Lax), ("Strict", SameSite::Strict)];
    let attributes = Attributes {
        expires,
        max_age,
        domain: fit(reader, DOMAIN, is_domain).map(Into::into),
        path: fit(reader, PATH, is_cookie_path).map(Into::into),
        secure: reader.switch(SECURE, stake).unwrap_or(false),
        same_site: reader.word(SAME_SITE, &sites, stake),
        spares_old_clients: reader.switch(SPARES_OLD, stake).unwrap_or(false),
    };
    let moves = reader.switch(MOVES, stake).unwrap_or(false);
    Sticky { cookie, mode, side: Side::Main, moves, salt: 0, attributes }
}

/// A text that can be put into a cookie as it is.
fn fit<'r>(reader: &mut Reader<'r, '_>, name: &str, is_fit: impl FnOnce(&str) -> bool) -> Option<&'r str> {
    let value = reader.text(name, Stake::Comfort)?;
    if value.len() <= MAX_ATTRIBUTE_BYTES && is_fit(value) {
        return Some(value);
    }
    reader.bad(name, Stake::Comfort, &format!("{} cannot stand in a cookie", quote(value)))
}

/// Whether a text is a token (RFC 9110 §5.6.2), as names of fields and cookies are.
pub(super) fn is_token(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_fit)
}

/// A host, and perhaps a dot before it, which says nothing (RFC 6265 §5.2.3).
fn is_domain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}
