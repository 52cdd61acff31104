//! Bounds of one route where they differ from the lane's: content, waiting, tries.

use std::time::Duration;

use bulkhead_model::Settings;

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};

const CONTENT: &str = "proxy-body-size";
const CONNECT: &str = "proxy-connect-timeout";
const SEND: &str = "proxy-send-timeout";
const READ: &str = "proxy-read-timeout";
const TRIES: &str = "proxy-next-upstream-tries";

pub(super) const ROWS: &[Row] = &[
    Row::new(CONTENT, Group::Proxying, Use::Must, State::Obeyed),
    Row::new(CONNECT, Group::Proxying, Use::Must, State::Obeyed),
    Row::new(SEND, Group::Proxying, Use::Must, State::Obeyed),
    Row::new(READ, Group::Proxying, Use::Must, State::Obeyed),
    Row::new(TRIES, Group::Proxying, Use::Must, State::Obeyed),
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
        Self { content, connect, send, read, tries: tries.and_then(|tries| tries.try_into().ok()) }
    }

    /// Puts them in the place of the lane's.
    pub(crate) fn apply(&self, settings: &mut Settings) {
        let Settings { limits, upstream, .. } = settings;
        limits.content_bytes = self.content.unwrap_or(limits.content_bytes);
        upstream.connect = self.connect.unwrap_or(upstream.connect);
        upstream.send = self.send.unwrap_or(upstream.send);
        upstream.read = self.read.unwrap_or(upstream.read);
        upstream.tries = self.tries.unwrap_or(upstream.tries);
    }
}
