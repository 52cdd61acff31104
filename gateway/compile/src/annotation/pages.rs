//! Pages of another Service instead of errors.

use std::sync::Arc;

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};
use crate::findings::quote;

pub(crate) const DEFAULT_BACKEND: &str = "default-backend";
const STATUSES: &str = "custom-http-errors";
const OWN_ONLY: &str = "disable-proxy-intercept-errors";

pub(super) const ROWS: &[Row] = &[
    Row::new(
        STATUSES,
        Group::Routing,
        Use::Must,
        State::Approximated(
            "Pages come from the Service that `default-backend` of the same Ingress names; where none is named, errors stay as they are. \
             A page is asked for without the content of the request.",
        ),
    ),
    Row::new(
        DEFAULT_BACKEND,
        Group::Routing,
        Use::Must,
        State::Approximated(
            "Where it answers for a Service without endpoints, it is asked without the content of the request.",
        ),
    ),
    Row::new(OWN_ONLY, Group::Routing, Use::Rare, State::Obeyed),
];

/// Statuses that can be listed at all.
const MOST: usize = 200;

/// Pages as an Ingress wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pages {
    /// Beside the Ingress.
    pub(crate) service: Arc<str>,
    /// From 400 to 599, ascending.
    pub(crate) statuses: Box<[u16]>,
    /// Only what the gateway itself says is replaced.
    pub(crate) own_only: bool,
}

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<Pages> {
    let statuses = statuses(reader);
    let own_only = reader.switch(OWN_ONLY, Stake::Comfort).unwrap_or_default();
    match (reader.beside(DEFAULT_BACKEND, Stake::Comfort), statuses) {
        (Some(service), statuses) => {
            Some(Pages { service: service.into(), statuses: statuses.unwrap_or_default(), own_only })
        }
        (None, Some(_)) if !reader.has(DEFAULT_BACKEND) => {
            reader.bad(STATUSES, Stake::Comfort, "no annotation default-backend says whose pages are meant")
        }
        (None, _) => None,
    }
}

/// All of the list, or none of it.
fn statuses(reader: &mut Reader<'_, '_>) -> Option<Box<[u16]>> {
    let mut statuses = Vec::new();
    for element in reader.list(STATUSES, Stake::Comfort)?.into_iter().take(MOST) {
        match element.parse() {
            Ok(status @ 400..=599) => statuses.push(status),
            _ => return reader.bad(STATUSES, Stake::Comfort, &format!("{} is no status of an error", quote(element))),
        }
    }
    statuses.sort_unstable();
    statuses.dedup();
    Some(statuses.into())
}
