//! Bounds of one route where they differ from the lane's: content, waiting, tries.

use std::time::Duration;

use bulkhead_model::Settings;
use bulkhead_model::next_upstream::{NextUpstream, Statuses};

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};
use crate::findings::quote;

const CONTENT: &str = "proxy-body-size";
const CONNECT: &str = "proxy-connect-timeout";
const SEND: &str = "proxy-send-timeout";
const READ: &str = "proxy-read-timeout";
const TRIES: &str = "proxy-next-upstream-tries";
const NEXT: &str = "proxy-next-upstream";
const NEXT_TIME: &str = "proxy-next-upstream-timeout";

pub(super) const ROWS: &[Row] = &[
    Row::new(CONTENT, Group::Proxying, Use::Must, State::Obeyed),
    Row::new(CONNECT, Group::Proxying, Use::Must, State::Obeyed),
    Row::new(SEND, Group::Proxying, Use::Must, State::Obeyed),
    Row::new(READ, Group::Proxying, Use::Must, State::Obeyed),
    Row::new(TRIES, Group::Proxying, Use::Must, State::Obeyed),
    Row::new(
        NEXT,
        Group::Proxying,
        Use::Must,
        State::Approximated(
            "Another endpoint is asked where no connection could be made, and for the statuses that are listed. A request that a backend may have begun with is not sent again because it did not answer, or not in HTTP: invalid_header changes nothing, and timeout is about connecting.",
        ),
    ),
    Row::new(NEXT_TIME, Group::Proxying, Use::Must, State::Obeyed),
];

/// Longest time that a route may wait: a year, which nobody waits for and no clock overflows by.
const MAX_SECONDS: u64 = 365 * 24 * 60 * 60;
/// Most endpoints tried for one request; as many as the lane's own setting may say.
const MAX_TRIES: u64 = 10;

/// Bounds that an Ingress sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Most bytes of a request's content; `u64::MAX` is any.
    content: Option<u64>,
    connect: Option<Duration>,
    send: Option<Duration>,
    read: Option<Duration>,
    tries: Option<u32>,
    next: Option<NextUpstream>,
    /// For how long another endpoint may be asked.
    next_time: Option<Duration>,
}

impl Bounds {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let mut seconds = |name| reader.seconds(name, 1..=MAX_SECONDS, Stake::Comfort);
        let (connect, send, read) = (seconds(CONNECT), seconds(SEND), seconds(READ));
        // A size that cannot be read leaves the lane's, which is one.
        let content = reader.bytes(CONTENT, Stake::Comfort).map(|bytes| if bytes == 0 { u64::MAX } else { bytes });
        // 0 is as many as there are endpoints.
        let tries = reader.number(TRIES, 0..=u64::from(u32::MAX), Stake::Comfort);
        let tries = tries.map(|tries| if tries == 0 { MAX_TRIES } else { tries.min(MAX_TRIES) });
        let tries = tries.and_then(|tries| tries.try_into().ok());
        let next = next(reader);
        // 0 is as long as it takes.
        let next_time = reader.seconds(NEXT_TIME, 0..=MAX_SECONDS, Stake::Comfort).filter(|time| !time.is_zero());
        // Nobody else is asked.
        let tries = if next == Some(Next::Off) { Some(1) } else { tries };
        let next = next.and_then(|next| if let Next::For(next) = next { Some(next) } else { None });
        Self { content, connect, send, read, tries, next, next_time }
    }

    /// Puts them in the place of the lane's.
    pub(crate) fn apply(&self, settings: &mut Settings) {
        let Settings { limits, upstream, .. } = settings;
        limits.content_bytes = self.content.unwrap_or(limits.content_bytes);
        upstream.connect = self.connect.unwrap_or(upstream.connect);
        upstream.send = self.send.unwrap_or(upstream.send);
        upstream.read = self.read.unwrap_or(upstream.read);
        upstream.tries = self.tries.unwrap_or(upstream.tries);
        upstream.next = self.next.unwrap_or(upstream.next);
        upstream.next.within = self.next_time.or(upstream.next.within);
    }
}

/// When another endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Never.
    Off,
    /// For this.
    For(NextUpstream),
}

fn next(reader: &mut Reader<'_, '_>) -> Option<Next> {
    let text = reader.text(NEXT, Stake::Comfort)?;
    let mut next = NextUpstream { error: false, timeout: false, ..NextUpstream::default() };
    for word in text.split_ascii_whitespace() {
        let status = word.strip_prefix("http_").and_then(|status| status.parse().ok());
        match (word, status.filter(|status| Statuses::KNOWN.contains(status))) {
            (_, Some(status)) => next.statuses = next.statuses.with(status),
            ("error", None) => next.error = true,
            ("timeout", None) => next.timeout = true,
            ("non_idempotent", None) => next.non_idempotent = true,
            ("invalid_header", None) => {}
            ("off", None) => return Some(Next::Off),
            (other, None) => {
                return reader.bad(
                    NEXT,
                    Stake::Comfort,
                    &format!("{} is no reason to ask another endpoint", quote(other)),
                );
            }
        }
    }
    Some(Next::For(next))
}
