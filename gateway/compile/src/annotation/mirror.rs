//! A copy of every request.

use bulkhead_model::template::Template;

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};
use super::url::Url;

pub(super) const ROWS: &[Row] = &[
    Row::new("mirror-host", Group::Proxying, Use::Should, State::Obeyed),
    Row::new("mirror-request-body", Group::Proxying, Use::Should, State::Obeyed),
    Row::new(
        "mirror-target",
        Group::Proxying,
        Use::Should,
        State::Approximated(
            "A copy never holds up a request, and is left out where it would: of requests with more than 64 KiB of content, of those that are broken off or become a WebSocket, and while 128 copies per thread, or 32 of them to the same place, are on their way.",
        ),
    ),
];

/// What an Ingress asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MirrorWish {
    pub(crate) url: Url,
    /// The authority that is asked for; `None`: the host of the URL.
    pub(crate) authority: Option<Template>,
    pub(crate) content: bool,
}

/// Reads it.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<MirrorWish> {
    let words = [("on", true), ("off", false), ("true", true), ("false", false)];
    let content = reader.word("mirror-request-body", &words, Stake::Comfort).unwrap_or(true);
    let host = reader.text("mirror-host", Stake::Comfort).map(Template::parse);
    let authority = match host {
        Some(Err(why)) => return reader.bad("mirror-host", Stake::Comfort, &why.to_string()),
        other => other.and_then(Result::ok),
    };
    let text = reader.text("mirror-target", Stake::Comfort)?;
    match Url::parse(text) {
        Ok(url) => Some(MirrorWish { url, authority, content }),
        Err(why) => reader.bad("mirror-target", Stake::Comfort, &why),
    }
}
