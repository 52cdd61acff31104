//! A share of another Ingress's traffic.
//!
//! An Ingress that is a canary makes no routes of its own. Of its annotations only those that are about its share and about the choice
//! among its endpoints count: everything else is as the Ingress says whose rule it shares.

use std::collections::BTreeMap;

use bulkhead_model::canary::{HeaderRule, Says, Share};

use super::balancing;
use super::judge::is_ours;
use super::reader::{Reader, Stake, key, parse_bool};
use super::row::{Group, PREFIX, Row, State, Use};

use crate::code::FindingCode;
use crate::findings::{Notes, quote};

const CANARY: &str = "canary";
const HEADER: &str = "canary-by-header";
const VALUE: &str = "canary-by-header-value";
const PATTERN: &str = "canary-by-header-pattern";
const COOKIE: &str = "canary-by-cookie";
const WEIGHT: &str = "canary-weight";
const TOTAL: &str = "canary-weight-total";
const BEHAVIOR: &str = "affinity-canary-behavior";

pub(super) const ROWS: &[Row] = &[
    Row::new(
        CANARY,
        Group::Canary,
        Use::Must,
        State::Approximated(
            "A canary shares the rule of an Ingress of its own namespace only, and no other rule of the same Service.",
        ),
    )
    .referring(),
    Row::new(HEADER, Group::Canary, Use::Must, State::Obeyed).referring(),
    Row::new(VALUE, Group::Canary, Use::Must, State::Obeyed).referring(),
    Row::new(
        PATTERN,
        Group::Canary,
        Use::Must,
        State::Approximated("Look-around and back-references are not understood: such a canary takes no requests."),
    )
    .referring(),
    Row::new(COOKIE, Group::Canary, Use::Must, State::Obeyed).referring(),
    Row::new(WEIGHT, Group::Canary, Use::Must, State::Obeyed).referring(),
    Row::new(TOTAL, Group::Canary, Use::Should, State::Obeyed).referring(),
    Row::new(BEHAVIOR, Group::Canary, Use::Must, State::Obeyed),
];

/// Longest name of a header or a cookie.
const MAX_NAME_BYTES: usize = 256;
/// Smallest total, as in ingress-nginx.
const MIN_TOTAL: u32 = 100;

/// What a canary asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CanaryPolicy {
    /// Which requests it takes; `None`: none, because it cannot be understood or is switched off. Why has been noted.
    pub(crate) share: Option<Share>,
    /// Whether clients stay where their session is.
    pub(crate) sticks: bool,
}

/// The annotations of a canary that count, and what they say; `None`: the Ingress is no canary. Those that do not count are noted.
pub(crate) fn read(
    annotations: &BTreeMap<String, String>,
    namespace: &str,
    notes: &mut Notes<'_>,
) -> Option<(BTreeMap<String, String>, CanaryPolicy)> {
    if !is_canary(annotations) {
        return None;
    }
    let mut counting = BTreeMap::new();
    for (key, value) in annotations.iter().filter(|(key, _)| is_ours(key)) {
        let name = key.strip_prefix(PREFIX).unwrap_or(key);
        if counts(name) {
            counting.insert(key.clone(), value.clone());
        } else {
            notes.add(FindingCode::AnnotationOnCanary, key, || {
                format!("The annotation {} is not looked at: this Ingress is a canary, and all but its share is as the Ingress says whose traffic it takes a share of.", quote(name))
            });
        }
    }
    let policy = CanaryPolicy::read(&mut Reader::new(&counting, namespace, notes));
    Some((counting, policy))
}

/// Whether an Ingress asks for a share. One that names a share and switches it off is a canary as well: without that it would ask for
/// everything.
pub(crate) fn is_canary(annotations: &BTreeMap<String, String>) -> bool {
    let value = |name| annotations.get(&key(name)).map(|value| value.trim()).filter(|value| !value.is_empty());
    let is_on = value(CANARY).is_some_and(|value| parse_bool(value) != Some(false));
    is_on
        || [HEADER, VALUE, PATTERN, COOKIE].into_iter().any(|name| value(name).is_some())
        || value(WEIGHT).is_some_and(|weight| weight != "0")
}

/// Whether an annotation counts on a canary.
fn counts(name: &str) -> bool {
    [ROWS, balancing::ROWS].into_iter().flatten().any(|row| row.name == name)
}

impl CanaryPolicy {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let share = read_share(reader);
        let sticks = reader.word(BEHAVIOR, &[("sticky", true), ("legacy", false)], Stake::Comfort).unwrap_or(true);
        let is_on = match reader.switch(CANARY, Stake::Share) {
            Some(on) => on,
            None => {
                reader.bad(CANARY, Stake::Share, "a share is asked for without `canary: \"true\"`").unwrap_or(false)
            }
        };
        if !is_on && !reader.refused {
            reader.bad::<()>(CANARY, Stake::Share, "a share is asked for and switched off");
        }
        Self { share: Some(share).filter(|_| is_on && !reader.refused), sticks }
    }
}

fn read_share(reader: &mut Reader<'_, '_>) -> Share {
    let header = name(reader, HEADER).map(|name| name.to_ascii_lowercase().into());
    let says = match (reader.text(VALUE, Stake::Share), reader.text(PATTERN, Stake::Share)) {
        (Some(value), _) => Some(Says::Value(value.into())),
        (None, Some(pattern)) => match Says::pattern(pattern) {
            Ok(says) => Some(says),
            Err(why) => reader.bad(PATTERN, Stake::Share, &format!("{} {why}", quote(pattern))),
        },
        (None, None) => Some(Says::Word),
    };
    let header = header.zip(says).map(|(name, says)| HeaderRule { name, says });
    let cookie = name(reader, COOKIE).map(Into::into);
    let mut number = |name| reader.number(name, 0..=u64::from(u32::MAX), Stake::Share).and_then(|n| n.try_into().ok());
    let (weight, total) = (number(WEIGHT).unwrap_or(0), number(TOTAL).unwrap_or(MIN_TOTAL).max(MIN_TOTAL));
    Share { header, cookie, total, weight }
}

/// The name of a header or a cookie: a token (RFC 9110 §5.6.2).
fn name<'r>(reader: &mut Reader<'r, '_>, annotation: &str) -> Option<&'r str> {
    let value = reader.text(annotation, Stake::Share)?;
    if value.len() <= MAX_NAME_BYTES && balancing::is_token(value) {
        return Some(value);
    }
    reader.bad(annotation, Stake::Share, &format!("{} is no name", quote(value)))
}
