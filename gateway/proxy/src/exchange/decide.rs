//! Step 2: what to do with a request, and the head that goes on. Nothing here waits.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use bulkhead_http1::{Edits, Framing, RequestHead, TargetForm, write_request};
use bulkhead_model::client_auth::RouteAuth;
use bulkhead_model::{Action, Answer, Backend, Denial, Host, Route, Settings, Snapshot, Target};

use crate::connection::Client;
use crate::deadline::Guard;
use crate::downstream::Downstream;
use crate::exchange::affinity::Bond;
use crate::exchange::record::Record;
use crate::exchange::stop::Stop;
use crate::exchange::{choice, filter, forwarded, page};
use crate::fault::Fault;
use crate::worker::{Scratch, Worker};

/// A request whose route is found.
pub(super) struct Found<'s, 'b> {
    pub(super) route: &'s Route,
    /// The route's, or the lane's.
    pub(super) settings: &'s Settings,
    pub(super) host: Host,
    /// What the backend will be asked for.
    pub(super) target: Target<'b>,
    /// The authority that the backend is told; `None`: the one that the request is for.
    pub(super) vhost: Option<Box<str>>,
}

/// A request that will be forwarded; its head stands in `scratch.out`.
pub(super) struct Decision<'s> {
    pub(super) settings: &'s Settings,
    pub(super) backend: &'s Arc<Backend>,
    /// What it belongs to, as far as the choice of an endpoint goes.
    pub(super) bond: Bond<'s>,
}

/// How a decision is come to.
pub(super) enum Course<'d, 's> {
    /// At once.
    Decided(Result<Decision<'s>, Stop>),
    /// After the route's filters. Boxed: what they take would otherwise lie in every exchange.
    Filtered(Pin<Box<dyn Future<Output = Result<Decision<'s>, Stop>> + 'd>>),
}

/// What to do with the request of `down`, whose head is in `scratch`.
pub(super) fn decide<'d, 's: 'd, D: Downstream>(
    worker: &'d Worker,
    guard: &'d Guard,
    snapshot: &'s Snapshot,
    down: &'d D,
    scratch: &'d mut Scratch,
) -> Course<'d, 's> {
    let Scratch { request, record, .. } = scratch;
    let found = find(worker, snapshot, down.client(), down.head(), request, record);
    if record.trace().is_some() {
        name_span(down, scratch, &found);
    }
    match found {
        Ok(found) if concerns(snapshot, down.client(), &found) => Course::Filtered(Box::pin(async move {
            page::note(worker, down, scratch, &found);
            // Until all filters have let it pass, its content is not known to begin: whatever ends it there ends its connection.
            let persistent = std::mem::take(&mut scratch.request.persistent);
            let found = filter::run((worker, guard, snapshot), down, scratch, found).await;
            scratch.request.persistent = persistent;
            let found = found?;
            write(worker, down.client(), down.head(), scratch, &found)
        })),
        // With filters, what they add to every response must stand before anything is answered.
        Ok(found) => Course::Decided(match admit_content(&found, &scratch.request) {
            Ok(()) => write(worker, down.client(), down.head(), scratch, &found),
            Err(fault) => Err(fault.into()),
        }),
        Err(stop) => Course::Decided(Err(stop)),
    }
}

/// Notes what the span of a request is called, where its route says that.
#[cold]
fn name_span<D: Downstream>(down: &D, scratch: &mut Scratch, found: &Result<Found<'_, '_>, Stop>) {
    let Ok(found) = found else { return };
    let spans = found.route.filters.as_ref().and_then(|filters| filters.spans.as_ref());
    let Some(name) = spans.and_then(|spans| spans.name.as_ref()) else { return };
    let Scratch { request, record, .. } = scratch;
    found.with_request(down.client(), request, down.head(), |asks| record.name_span(name, asks));
}

/// Whether the filters of a route have anything to do with a request.
fn concerns(snapshot: &Snapshot, client: &Client, found: &Found<'_, '_>) -> bool {
    let has_tls = || snapshot.tls.is_meant_for(found.host.as_str());
    found.route.filters.as_ref().is_some_and(|filters| filters.concern(!client.secure, has_tls))
}

/// Host, path, route, limits. `bytes` is what the request's head was parsed from.
#[inline(always)]
fn find<'s, 'b>(
    worker: &Worker,
    snapshot: &'s Snapshot,
    client: &Client,
    bytes: &'b [u8],
    head: &RequestHead,
    record: &mut Record,
) -> Result<Found<'s, 'b>, Stop> {
    if forwarded::is_loop(worker.shared.pseudonym.name(), head, bytes) {
        return Err(Fault::Loop.into());
    }
    let host = Host::parse(head.authority.of(bytes)).map_err(Fault::Denied)?;
    let target = target(head, bytes).map_err(Fault::Denied)?;
    let route = snapshot.hosts.route(host.as_bytes(), &target).map_err(Fault::Denied)?;
    if record.is_kept() {
        record.route(worker, &snapshot.settings, route);
    }
    if let Some(auth) = &route.client_auth {
        client.admit(auth, host.as_str()).map_err(|denial| turn_away(denial, auth))?;
    }
    if let Action::Deny(Denial::PolicyNotServed) = route.action {
        return Err(Fault::Denied(Denial::PolicyNotServed).into());
    }
    let own = route.filters.as_ref().and_then(|filters| filters.settings.as_deref());
    let settings = own.unwrap_or(&snapshot.settings);
    Ok(Found { route, settings, host, target, vhost: None })
}

/// Refuses content that says itself that it is too long.
pub(super) fn admit_content(found: &Found<'_, '_>, head: &RequestHead) -> Result<(), Fault> {
    match head.framing {
        Framing::Sized(length) if length > found.settings.limits.content_bytes => {
            Err(Fault::Denied(Denial::ContentTooLarge))
        }
        _ => Ok(()),
    }
}

/// The backend; then the head as it will see it. `bytes` is what the request's head was parsed from.
fn write<'s>(
    worker: &Worker,
    client: &Client,
    bytes: &[u8],
    scratch: &mut Scratch,
    found: &Found<'s, '_>,
) -> Result<Decision<'s>, Stop> {
    let Found { route, settings, host, target, vhost } = found;
    let (route, mut settings): (&'s Route, &'s Settings) = (route, settings);
    let mut backend = match &route.action {
        Action::Forward(backends) => worker.turn(backends).ok_or(Fault::Denied(Denial::NoService))?,
        Action::Deny(denial) => return Err(Fault::Denied(*denial).into()),
    };
    let mut is_canary = false;
    if let Some(canary) = route.filters.as_ref().and_then(|filters| filters.canary.as_ref())
        && choice::is_taken(worker, (client, bytes), &scratch.request, found, canary, backend)
    {
        backend = &canary.backend;
        settings = canary.settings.as_deref().unwrap_or(settings);
        is_canary = true;
    }
    if scratch.record.is_kept() {
        scratch.record.backend(backend, is_canary);
    }
    let bond = choice::bond((client, bytes), scratch, found, backend);
    let (question, query) = target.query.map_or((&b""[..], &b""[..]), |query| (b"?", query));
    let pieces: [&[u8]; 3] = match (&target.path, scratch.request.target) {
        // Canonical as it came: one piece instead of three with the same bytes.
        (Cow::Borrowed(_), TargetForm::Origin(span)) => [span.of(bytes), b"", b""],
        (path, _) => [path, question, query],
    };
    let Scratch { request, out, values, authority, filters, to_backend, record, .. } = scratch;
    let mut changes = filters.is_some();
    if let Some(trace) = record.trace()
        && !changes
    {
        to_backend.clear();
        trace.tell(to_backend);
        changes = true;
    }
    // A backend that is asked for another host is told the client's all the same.
    let asked = canonical(host, request.authority.of(bytes), authority);
    let authority = vhost.as_ref().map_or(asked, |vhost| vhost.as_bytes());
    out.clear();
    let pseudonym = worker.shared.pseudonym.via(client.protocol);
    let client = (client, route.client_auth.as_ref());
    let over = changes.then_some(&*to_backend);
    forwarded::with_edits(&settings.forwarded, pseudonym, client, (request, bytes), asked, values, |edits| {
        write_request(
            out,
            bytes,
            request,
            &pieces,
            authority,
            request.framing,
            &Edits { over, close: settings.upstream.closes, ..*edits },
        );
    });
    Ok(Decision { settings, backend, bond })
}

/// What a client is told that is not let in, or where it is sent.
#[cold]
fn turn_away(denial: Denial, auth: &RouteAuth) -> Stop {
    let is_for_page = matches!(denial, Denial::ClientCertificateMissing | Denial::ClientCertificateRefused);
    match auth.error_page.as_ref().filter(|_| is_for_page) {
        Some(page) => {
            let answer = Answer::redirect(302, page.as_str().into());
            Stop::Answer(Box::new(Answer { denial: Some(denial), ..answer }))
        }
        None => Stop::Fault(Fault::Denied(denial)),
    }
}

/// The authority as it was routed: canonical host, and the port that the client named. Written anew only if it came
/// otherwise.
fn canonical<'a>(host: &Host, came: &'a [u8], room: &'a mut Vec<u8>) -> &'a [u8] {
    if came.starts_with(host.as_bytes()) && !matches!(came.get(host.as_bytes().len()), Some(b'.')) {
        return came;
    }
    room.clear();
    room.extend_from_slice(host.as_bytes());
    // What stands behind the last colon that is not inside brackets is the port: the host was accepted.
    let port = came.iter().rposition(|&byte| byte == b':' || byte == b']').and_then(|at| came.get(at..));
    room.extend_from_slice(port.filter(|port| port.first() == Some(&b':')).unwrap_or_default());
    room
}

fn target<'b>(head: &RequestHead, bytes: &'b [u8]) -> Result<Target<'b>, Denial> {
    match head.target {
        TargetForm::Origin(span) => Target::parse(span.of(bytes)),
        TargetForm::Root => Target::parse(b"/"),
        // `OPTIONS *` asks about a server as a whole (RFC 9110 §7.1); behind a gateway there is no such thing.
        TargetForm::Asterisk => Err(Denial::NoRoute),
    }
}
