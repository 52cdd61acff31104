//! What is noted of a request for its line in the access log, while it is known.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

use bulkhead_http1::{Name, RequestHead, Version};
use bulkhead_model::access_log::Format;
use bulkhead_model::settings::Metrics;
use bulkhead_model::template::Template;
use bulkhead_model::{Action, Backend, Request, Route, Settings};
use tokio::time::Instant;

use crate::access_log::Line;
use crate::connection::Client;
use crate::deadline::Guard;
use crate::exchange::forwarded;
use crate::fault::{Blame, Fault};
use crate::ledger::Deed;
use crate::protocol::Protocol;
use crate::spans::Span;
use crate::trace::Trace;
use crate::worker::Worker;

/// Most bytes of one text that are logged: longer ones are cut off. Collectors split lines at 16 KiB; who writes texts like that gets
/// lines that are split, and no more.
const MOST_BYTES: usize = 2 << 10;

/// Status of requests whose clients were gone before a response was begun, as nginx has it.
pub(crate) const NONE_BEGUN: u16 = 499;

/// The texts of a request.
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
    Alternative,
    /// Host of the route.
    Server,
    /// Path of the route.
    Path,
    /// What its span is called.
    Span,
}

/// How many there are.
const PARTS: usize = Part::Span as usize + 1;

/// Whether a request has a line or a span, or is counted.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// There is no request, or no log.
    #[default]
    Idle,
    /// It has this one, or is counted or has a span only.
    Kept(Option<Format>),
    /// It is left out.
    LeftOut,
}

/// What is known of a request. Meant to be reused: it keeps the room that it has.
#[derive(Debug, Default)]
pub(crate) struct Record {
    state: State,
    /// How it is counted.
    metrics: Metrics,
    /// Its place in a trace, if it has one.
    trace: Option<Trace>,
    /// All parts, one behind the other, and where each begins and ends.
    text: Vec<u8>,
    places: [(u32, u32); PARTS],
    client: Option<IpAddr>,
    secure: bool,
    version: &'static str,
    head_bytes: u64,
    begun: Option<Instant>,
    /// Who was asked last, and since when.
    asked: Option<(SocketAddr, Instant)>,
    /// How often somebody was.
    tries: u32,
    /// Of the response that was begun.
    status: Cell<u16>,
    /// Bytes of content that came from the client.
    received: Cell<u64>,
    /// Bytes of content that were sent to it.
    sent: Cell<u64>,
}

impl Record {
    /// Whether there will be a line.
    pub(super) const fn is_kept(&self) -> bool {
        matches!(self.state, State::Kept(_))
    }

    /// Whether there is a request that [`Self::end`] must be told the end of.
    pub(super) const fn is_begun(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    /// The Service that was chosen, as far as it is kept.
    pub(super) fn service(&self) -> &[u8] {
        if self.is_kept() { self.part(Part::Service) } else { &[] }
    }

    /// Begins with a request.
    #[inline(never)]
    pub(super) fn begin(
        &mut self,
        (worker, guard): (&Worker, &Guard),
        settings: &Settings,
        client: &Client,
        bytes: &[u8],
        head: &RequestHead,
    ) {
        let uri = head.target.bytes(bytes);
        self.metrics = settings.metrics;
        self.trace = settings.tracing.as_ref().map(|tracing| {
            let is_trusted = forwarded::is_trusted(&settings.forwarded, client);
            worker.tracer.follow(tracing, is_trusted, head, bytes, worker.millis(guard.now()))
        });
        self.keep(settings.access_log.format_of(uri));
        if !self.is_kept() {
            return;
        }
        self.clear(guard);
        self.put(Part::Method, head.method.bytes(bytes));
        self.put(Part::Uri, uri);
        self.put(Part::Host, head.authority.of(bytes));
        for field in head.fields.iter() {
            let part = match field.id {
                Name::Referer => Part::Referer,
                Name::UserAgent => Part::Agent,
                Name::XRequestId => Part::RequestId,
                _ => continue,
            };
            self.put(part, field.value.of(bytes));
        }
        let speaker = forwarded::speaker(&settings.forwarded, client, head, bytes);
        (self.client, self.secure) = (Some(speaker.address), speaker.secure);
        self.version = match (client.protocol, head.version) {
            (Protocol::Http2, _) => "HTTP/2.0",
            (Protocol::Http1, Version::Http11) => "HTTP/1.1",
            (Protocol::Http1, Version::Http10) => "HTTP/1.0",
        };
        self.head_bytes = bytes.len() as u64;
    }

    /// Begins with a request whose head never came complete, or is none.
    #[cold]
    pub(super) fn begin_unheard(&mut self, worker: &Worker, guard: &Guard, client: &Client) {
        let current = worker.current();
        let format = current.map_or(Format::Off, |pinned| pinned.snapshot().settings.access_log.format);
        if format == Format::Off {
            return;
        }
        (self.state, self.metrics, self.trace) = (State::Kept(Some(format)), Metrics::Standard, None);
        self.clear(guard);
        self.client = Some(client.address);
        (self.version, self.head_bytes) = ("", 0);
    }

    fn keep(&mut self, format: Option<Format>) {
        let is_counted = self.metrics != Metrics::Standard;
        let is_kept = is_counted || format.is_some() || self.trace.is_some();
        self.state = if is_kept { State::Kept(format) } else { State::LeftOut };
    }

    fn clear(&mut self, guard: &Guard) {
        self.text.clear();
        self.places = Default::default();
        (self.begun, self.asked, self.tries) = (Some(guard.now()), None, 0);
        self.status.set(0);
        self.received.set(0);
        self.sent.set(0);
    }

    fn put(&mut self, part: Part, text: &[u8]) {
        let begin = self.text.len();
        self.text.extend_from_slice(text.get(..MOST_BYTES).unwrap_or(text));
        if let Some(place) = self.places.get_mut(part as usize) {
            // Parts are bounded, and few.
            *place = (begin as u32, self.text.len() as u32);
        }
    }

    fn part(&self, part: Part) -> &[u8] {
        let (begin, end) = self.places.get(part as usize).copied().unwrap_or_default();
        self.text.get(begin as usize..end as usize).unwrap_or_default()
    }

    /// Its place in a trace, if it has one.
    pub(super) const fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// Notes what its span is called.
    #[cold]
    pub(super) fn name_span(&mut self, name: &Template, request: &Request<'_>) {
        let mut text = Vec::new();
        // What is too long is cut, as all texts are.
        let _ = name.write(request, MOST_BYTES, &mut text);
        self.put(Part::Span, &text);
    }

    /// Notes its route.
    #[inline(never)]
    pub(super) fn route(&mut self, worker: &Worker, settings: &Settings, route: &Route) {
        if let (Some(_), Some(tracing)) = (&self.trace, &settings.tracing) {
            match route.filters.as_ref().and_then(|filters| filters.spans.as_ref()) {
                Some(spans) if spans.off => self.trace = None,
                Some(spans) if spans.begins => self.trace = Some(worker.tracer.begin(tracing)),
                _ => {}
            }
            if self.trace.is_some() {
                self.put(Part::Path, route.path.as_bytes());
            }
        }
        if route.filters.as_ref().is_some_and(|filters| filters.unlogged) {
            self.keep(None);
            if !self.is_kept() {
                return;
            }
        }
        if self.metrics == Metrics::ByHost {
            // A rule without a host is of the server that ingress-nginx calls so.
            self.put(Part::Server, if route.host.is_empty() { b"_" } else { route.host.as_bytes() });
        }
        self.put(Part::Ingress, route.origin.as_bytes());
        if let Action::Forward(backends) = &route.action
            && let Some(first) = backends.first()
        {
            self.put(Part::Service, first.backend.name.as_bytes());
        }
    }

    /// Notes the backend that was chosen, of those of its route or, as the alternative of them all, its canary.
    #[inline(never)]
    pub(super) fn backend(&mut self, backend: &Backend, is_canary: bool) {
        let part = if is_canary { Part::Alternative } else { Part::Service };
        if self.part(part) != backend.name.as_bytes() {
            self.put(part, backend.name.as_bytes());
        }
    }

    /// Notes who is asked.
    pub(super) fn ask(&mut self, address: SocketAddr, guard: &Guard) {
        self.asked = Some((address, guard.now()));
        self.tries += 1;
        // What another one was sent is sent again.
        self.received.set(0);
    }

    /// Notes that a response is begun.
    pub(super) fn respond(&self, status: u16) {
        self.status.set(status);
    }

    /// Notes content that came.
    pub(super) fn receive(&self, bytes: usize) {
        self.received.set(self.received.get().wrapping_add(bytes as u64));
    }

    /// Notes content that was sent.
    pub(super) fn send(&self, bytes: usize) {
        self.sent.set(self.sent.get().wrapping_add(bytes as u64));
    }

    fn count(&self, worker: &Worker, now: Instant) {
        let micros = |since: Instant| now.saturating_duration_since(since).as_micros().try_into().unwrap_or(u64::MAX);
        let deed = Deed {
            host: self.part(Part::Server),
            ingress: self.part(Part::Ingress),
            service: self.part(Part::Service),
            canary: self.part(Part::Alternative),
            method: self.part(Part::Method),
            status: if self.status.get() == 0 { NONE_BEGUN } else { self.status.get() },
            took_us: self.begun.map(micros).unwrap_or_default(),
            upstream_us: self.asked.map(|(_, since)| micros(since)),
            request_bytes: self.head_bytes.saturating_add(self.received.get()),
            response_bytes: self.sent.get(),
        };
        let second = now.saturating_duration_since(worker.shared.epoch).as_secs();
        if !worker.ledger.add(&worker.tally().book, &deed, second) {
            worker.tally().uncounted.add(1);
        }
    }

    #[cold]
    fn span(&self, trace: Trace, worker: &Worker, now: Instant, fault: Option<Fault>) {
        let service = [Part::Alternative, Part::Service].map(|part| self.part(part));
        let span = Span {
            context: trace.context,
            end: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            took: self.begun.map(|begun| now.saturating_duration_since(begun)).unwrap_or_default(),
            name: self.part(Part::Span),
            method: self.part(Part::Method),
            uri: self.part(Part::Uri),
            secure: self.secure,
            authority: self.part(Part::Host),
            route: self.part(Part::Path),
            status: self.status.get(),
            version: if self.version == "HTTP/2.0" { "2" } else { self.version.trim_start_matches("HTTP/") },
            client: self.client,
            agent: self.part(Part::Agent),
            fault: fault.map(|fault| fault.row().name).unwrap_or_default(),
            is_broken: fault.is_some_and(|fault| fault.row().blame != Blame::Client),
            ingress: self.part(Part::Ingress),
            service: service.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
            upstream: self.asked.map(|(address, _)| address),
            tries: self.tries,
        };
        worker.spans.add(&worker.shared.spans, &span);
    }

    /// Writes the line and the span, and counts.
    #[inline(never)]
    pub(super) fn end(&mut self, worker: &Worker, guard: &Guard, fault: Option<Fault>) {
        let trace = self.trace.take();
        let State::Kept(format) = std::mem::take(&mut self.state) else { return };
        let now = guard.now();
        if let Some(trace) = trace.filter(|trace| trace.context.is_sampled) {
            self.span(trace, worker, now, fault);
        }
        if self.metrics != Metrics::Standard && !self.part(Part::Ingress).is_empty() {
            self.count(worker, now);
        }
        let Some(format) = format else { return };
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
            alternative: self.part(Part::Alternative),
            upstream: self.asked.map(|(address, since)| (address, now.saturating_duration_since(since))),
            tries: self.tries,
            request_bytes: self.head_bytes.saturating_add(self.received.get()),
            status: self.status.get(),
            sent: self.sent.get(),
            took: self.begun.map(|begun| now.saturating_duration_since(begun)).unwrap_or_default(),
            error: fault.map(|fault| fault.row().name).unwrap_or_default(),
        };
        worker.log.add(&worker.shared.log, &line);
    }
}
