//! Step 2: what to do with a request, and the head that goes on. Nothing here waits.

use std::borrow::Cow;
use std::sync::Arc;

use bulkhead_http1::{Framing, RequestHead, TargetForm, write_request};
use bulkhead_model::client_auth::RouteAuth;
use bulkhead_model::{Action, Backend, Denial, Host, Location, Settings, Snapshot, Target};

use crate::connection::Client;
use crate::exchange::affinity::Bond;
use crate::exchange::forwarded;
use crate::fault::Fault;
use crate::worker::{Scratch, Worker};

/// A request that will be forwarded; its head stands in `scratch.out`.
pub(super) struct Decision<'s> {
    pub(super) settings: &'s Settings,
    pub(super) backend: &'s Arc<Backend>,
    /// What it belongs to, as far as the choice of an endpoint goes.
    pub(super) bond: Bond<'s>,
}

/// Host, path, route, limits; then the head as the backend will see it. `bytes` is what the request's head was parsed from.
pub(super) fn decide<'s>(
    worker: &Worker,
    snapshot: &'s Snapshot,
    client: &Client,
    bytes: &[u8],
    scratch: &mut Scratch,
) -> Result<Decision<'s>, Fault> {
    let head = &scratch.request;
    let pseudonym = &worker.shared.pseudonym;
    if forwarded::is_loop(pseudonym.name(), head, bytes) {
        return Err(Fault::Loop);
    }
    let host = Host::parse(head.authority.of(bytes)).map_err(Fault::Denied)?;
    let target = target(head, bytes).map_err(Fault::Denied)?;
    let route = snapshot.hosts.route(host.as_bytes(), &target).map_err(Fault::Denied)?;
    if let Some(auth) = &route.client_auth {
        client.admit(auth, host.as_str()).map_err(|denial| {
            scratch.elsewhere = elsewhere(denial, auth);
            Fault::Denied(denial)
        })?;
    }
    let backends = match &route.action {
        Action::Forward(backends) => backends,
        Action::Deny(denial) => return Err(Fault::Denied(*denial)),
    };
    let backend = worker.turn(backends).ok_or(Fault::Denied(Denial::NoService))?;
    let bond = Bond::of(backend, client.address, head, bytes);
    let settings = &*snapshot.settings;
    if matches!(head.framing, Framing::Sized(length) if length > settings.limits.content_bytes) {
        return Err(Fault::Denied(Denial::ContentTooLarge));
    }
    let (question, query) = target.query.map_or((&b""[..], &b""[..]), |query| (b"?", query));
    let pieces: [&[u8]; 3] = match (&target.path, head.target) {
        // Canonical as it came: one piece instead of three with the same bytes.
        (Cow::Borrowed(_), TargetForm::Origin(span)) => [span.of(bytes), b"", b""],
        (path, _) => [path, question, query],
    };
    let Scratch { request, out, values, authority, .. } = scratch;
    let authority = canonical(&host, request.authority.of(bytes), authority);
    out.clear();
    let client = (client, route.client_auth.as_ref());
    forwarded::with_edits(
        &settings.forwarded,
        pseudonym.via(client.0.protocol),
        client,
        (request, bytes),
        authority,
        values,
        |edits| {
            write_request(out, bytes, request, &pieces, authority, request.framing, edits);
        },
    );
    Ok(Decision { settings, backend, bond })
}

/// Where a client is sent that is not let in.
#[cold]
fn elsewhere(denial: Denial, auth: &RouteAuth) -> Option<Location> {
    let is_for_page = matches!(denial, Denial::ClientCertificateMissing | Denial::ClientCertificateRefused);
    auth.error_page.clone().filter(|_| is_for_page)
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
