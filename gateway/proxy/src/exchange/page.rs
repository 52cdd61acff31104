//! A page of another Service instead of an error: what it is asked for with is noted while the head of the request is there, and it
//! is fetched when the error is known. Only the page comes from there: nobody is let in by it whom the route has turned away.

use std::cell::Cell;
use std::io::Write as _;
use std::pin::pin;
use std::time::Duration;

use bulkhead_http1::{Framing, Method, Name, Overlay, OwnRequest, Version, write_own_request};
use bulkhead_model::error_pages::{ErrorPages, Page};
use bulkhead_model::{Action, Settings};

use crate::deadline::Guard;
use crate::downstream::Downstream;
use crate::exchange::affinity::Bond;
use crate::exchange::decide::{Decision, Found};
use crate::exchange::stop::Stop;
use crate::exchange::{Next, forward, forwarded};
use crate::phase::Phase;
use crate::transfer::Patience;
use crate::worker::{Scratch, Worker};

/// Longest wait for a connection to who has the page: the client has waited for its own backend already.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest pause of a page.
const READ: Duration = Duration::from_secs(5);
/// Most endpoints asked for a page.
const TRIES: u32 = 2;

/// What a page is asked for with. Meant to be reused: it keeps the room that it has.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    method: Method,
    /// As it is written.
    word: Vec<u8>,
    host: Vec<u8>,
    /// Canonical path and query of the request.
    target: Vec<u8>,
    fields: Overlay,
    /// It has been asked for.
    asked: bool,
}

impl Wanted {
    /// Whether what is awaited now is the page itself, which nothing stands in for.
    pub(super) const fn is_asked(&self) -> bool {
        self.asked
    }
}

/// Notes what a page would be asked for with, if the route of `found` has any.
pub(super) fn note<D: Downstream>(worker: &Worker, down: &D, scratch: &mut Scratch, found: &Found<'_, '_>) {
    if found.route.filters.as_ref().is_none_or(|filters| filters.pages.is_none()) {
        return;
    }
    let Scratch { request, page, .. } = scratch;
    let (head, bytes, client) = (&*request, down.head(), down.client());
    page.asked = false;
    page.method = head.method;
    for (part, text) in [(&mut page.word, head.method.bytes(bytes)), (&mut page.host, head.authority.of(bytes))] {
        part.clear();
        part.extend_from_slice(text);
    }
    page.target.clear();
    page.target.extend_from_slice(&found.target.path);
    if let Some(query) = found.target.query {
        page.target.push(b'?');
        page.target.extend_from_slice(query);
    }
    page.fields.clear();
    let mut put = |name, value: &[u8]| page.fields.append(name, value);
    let field = |id| head.fields.iter().find(|field| field.id == id).map(|field| field.value.of(bytes));
    put("X-Format", field(Name::Accept).unwrap_or_default());
    put("X-Original-URI", head.target.bytes(bytes));
    let (namespace, ingress) = found.route.origin.split_once('/').unwrap_or_default();
    put("X-Namespace", namespace.as_bytes());
    put("X-Ingress-Name", ingress.as_bytes());
    let (service, port) = service(&found.route.action);
    put("X-Service-Name", service.as_bytes());
    put("X-Service-Port", port.as_bytes());
    let mut text = [0; 45];
    match field(Name::XRequestId) {
        Some(id) => put("X-Request-ID", id),
        None => put(
            "X-Request-ID",
            written(&mut text, format_args!("{:016x}{:016x}", worker.dice.roll(), worker.dice.roll())),
        ),
    }
    let speaker = forwarded::speaker(&found.settings.forwarded, client, head, bytes);
    put("X-Forwarded-For", written(&mut text, format_args!("{}", speaker.address)));
    put("Via", worker.shared.pseudonym.via(client.protocol).as_bytes());
}

/// Name and port of the Service that a request is for; empty where there is none.
fn service(action: &Action) -> (&str, &str) {
    let Action::Forward(backends) = action else { return Default::default() };
    let name = backends.first().and_then(|first| first.backend.name.split_once('/'));
    name.and_then(|(_, service)| service.split_once(':')).unwrap_or_default()
}

/// `text` as it fits into `room`.
fn written<'r>(room: &'r mut [u8], text: std::fmt::Arguments<'_>) -> &'r [u8] {
    let all = room.len();
    let mut left = &mut *room;
    // What does not fit is cut off.
    let _ = left.write_fmt(text);
    let used = all - left.len();
    room.get(..used).unwrap_or_default()
}

/// Answers with a page instead of `stop`, if the route has one for it. `None`: there is none, or it cannot be had.
pub(super) async fn instead<D: Downstream>(
    worker: &Worker,
    guard: &Guard,
    down: &mut D,
    scratch: &mut Scratch,
    stop: &Stop,
) -> Option<Next> {
    let filters = scratch.filters.clone()?;
    let pages = filters.pages.as_deref().filter(|_| !down.is_call() && !scratch.page.asked)?;
    let (status, denial, keeps) = match stop {
        Stop::Fault(fault) => (fault.row().status, fault.denial(), fault.row().keeps),
        Stop::Answer(answer) => (answer.status, answer.denial, true),
    };
    let wanted = pages.instead_of(status, denial)?;
    if let Stop::Answer(answer) = stop {
        // Whoever is asked who it is must learn how to say it (RFC 9110 §15.5.2).
        for (name, value) in answer.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("WWW-Authenticate")) {
            scratch.to_client.set(name, value);
        }
    }
    let current = worker.current();
    let lane = || current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
    let settings = impatient(filters.settings.as_deref().unwrap_or_else(lane));
    let keeps = down.forget() && keeps && scratch.request.version == Version::Http11 && scratch.request.persistent;
    ask(scratch, wanted, status, keeps);
    fetch(worker, Patience { guard, settings: &settings }, down, scratch, pages).await
}

/// The settings with which a page is fetched.
fn impatient(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    let upstream = &mut settings.upstream;
    upstream.connect = upstream.connect.min(CONNECT);
    upstream.read = upstream.read.min(READ);
    upstream.tries = upstream.tries.min(TRIES);
    settings
}

/// Makes of the request that came the one for the page.
fn ask(scratch: &mut Scratch, wanted: Page, status: u16, keeps: bool) {
    let Scratch { request, page, out, .. } = scratch;
    page.asked = true;
    let mut digits = [0; 5];
    page.fields.append("X-Code", written(&mut digits, format_args!("{status}")));
    let target: &[u8] = match wanted {
        Page::OfError => b"/",
        Page::Instead => &page.target,
    };
    out.clear();
    let head =
        OwnRequest { method: (page.method, &page.word), target: &[target], host: &page.host, fields: &page.fields };
    write_own_request(out, &head);
    request.framing = Framing::None;
    request.upgrade = false;
    request.expects_continue = false;
    request.persistent = keeps;
}

async fn fetch<D: Downstream>(
    worker: &Worker,
    patience: Patience<'_>,
    down: &mut D,
    scratch: &mut Scratch,
    pages: &ErrorPages,
) -> Option<Next> {
    let keeps = scratch.request.persistent;
    let begun = Cell::new(false);
    let decision = Decision { settings: patience.settings, backend: &pages.backend, bond: Bond::None };
    let fetched = {
        let fetching = pin!(forward::forward(worker, patience, down, scratch, &decision, &begun));
        patience.guard.run(Phase::Cut, fetching).await
    };
    match fetched {
        Ok(Ok(Next::Close)) if !keeps => Some(Next::Linger),
        Ok(Ok(next)) => Some(next),
        Ok(Err(_)) | Err(_) if begun.get() => Some(Next::Reset),
        Ok(Err(_)) | Err(_) => None,
    }
}
