//! What is noted of a request for its line in the access log, while it is known.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};

use bulkhead_http1::{Framing, Name, RequestHead, Version};
use bulkhead_model::access_log::Format;
use bulkhead_model::{Action, Route, Settings};
use tokio::time::Instant;

use crate::access_log::Line;
use crate::connection::Client;
use crate::deadline::Guard;
use crate::exchange::forwarded;
use crate::fault::Fault;
use crate::protocol::Protocol;
use crate::worker::Worker;

/// Most bytes of one text that are logged: longer ones are cut off.
const MOST_BYTES: usize = 4 << 10;

/// One text each, in this order.
#[derive(Clone, Copy)]
enum Part {
    Method,
    Uri,
    Host,
    Referer,
    Agent,
    RequestId,
    Ingress,
    Service,
}

/// What is known of a request. Meant to be reused: it keeps the room that it has.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// `None`: this request has no line.
    format: Option<Format>,
    /// All parts, one behind the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    client: Option<IpAddr>,
    version: &'static str,
    request_bytes: u64,
    begun: Option<Instant>,
    /// Who was asked last, and since when.
    asked: Option<(SocketAddr, Instant)>,
    /// Of the response that was begun.
    pub(super) status: Cell<u16>,
    /// Bytes of content that were sent.
    pub(super) sent: Cell<u64>,
}

impl Record {
    /// Whether there will be a line.
    pub(super) const fn is_kept(&self) -> bool {
        self.format.is_some()
    }

    /// Begins with a request.
    #[cold]
    pub(super) fn begin(
        &mut self,
        guard: &Guard,
        settings: &Settings,
        client: &Client,
        bytes: &[u8],
        head: &RequestHead,
    ) {
        let uri = head.target.bytes(bytes);
        self.format = settings.access_log.format_of(uri);
        if self.format.is_none() {
            return;
        }
        self.text.clear();
        self.ends.clear();
        let field = |id| head.fields.iter().find(|field| field.id == id).map(|field| field.value.of(bytes));
        let texts = [
            head.method.bytes(bytes),
            uri,
            head.authority.of(bytes),
            field(Name::Referer).unwrap_or_default(),
            field(Name::UserAgent).unwrap_or_default(),
            field(Name::XRequestId).unwrap_or_default(),
        ];
        texts.into_iter().for_each(|text| self.put(text));
        self.client = Some(forwarded::speaker(&settings.forwarded, client, head, bytes).address);
        self.version = match (client.protocol, head.version) {
            (Protocol::Http2, _) => "HTTP/2.0",
            (Protocol::Http1, Version::Http11) => "HTTP/1.1",
            (Protocol::Http1, Version::Http10) => "HTTP/1.0",
        };
        let content = if let Framing::Sized(length) = head.framing { length } else { 0 };
        self.request_bytes = (bytes.len() as u64).saturating_add(content);
        (self.begun, self.asked) = (Some(guard.now()), None);
        self.status.set(0);
        self.sent.set(0);
    }

    fn put(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text.get(..MOST_BYTES).unwrap_or(text));
        self.ends.push(self.text.len());
    }

    fn part(&self, part: Part) -> &[u8] {
        let at = part as usize;
        let begin = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(at).and_then(|end| self.text.get(begin..*end)).unwrap_or_default()
    }

    /// Notes its route.
    #[cold]
    pub(super) fn route(&mut self, route: &Route) {
        if route.filters.as_ref().is_some_and(|filters| filters.unlogged) {
            self.format = None;
            return;
        }
        self.put(route.origin.as_bytes());
        if let Action::Forward(backends) = &route.action
            && let Some(first) = backends.first()
        {
            self.put(first.backend.name.as_bytes());
        }
    }

    /// Notes who is asked.
    pub(super) fn ask(&mut self, address: SocketAddr, guard: &Guard) {
        self.asked = Some((address, guard.now()));
    }

    /// Writes the line.
    pub(super) fn end(&mut self, worker: &Worker, guard: &Guard, fault: Option<Fault>) {
        let Some(format) = self.format.take() else { return };
        let now = guard.now();
        let line = Line {
            format,
            client: self.client,
            method: self.part(Part::Method),
            uri: self.part(Part::Uri),
            version: self.version,
            host: self.part(Part::Host),
            referer: self.part(Part::Referer),
            agent: self.part(Part::Agent),
            request_id: self.part(Part::RequestId),
            ingress: self.part(Part::Ingress),
            service: self.part(Part::Service),
            upstream: self.asked.map(|(address, since)| (address, now.saturating_duration_since(since))),
            request_bytes: self.request_bytes,
            status: self.status.get(),
            sent: self.sent.get(),
            took: self.begun.map(|begun| now.saturating_duration_since(begun)).unwrap_or_default(),
            error: fault.map(|fault| fault.row().name).unwrap_or_default(),
        };
        worker.log.add(&worker.shared.log, &line);
    }
}
