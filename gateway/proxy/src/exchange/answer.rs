//! Step 5: what the gateway says itself.

use std::pin::pin;

use bulkhead_http1::{Version, write_own_response};

use crate::content::{Piece, Sink as _};
use crate::deadline::Guard;
use crate::downstream::Downstream;
use crate::exchange::{Next, grpc};
use crate::fault::Fault;
use crate::phase::Phase;
use crate::transfer::Patience;
use crate::worker::{Scratch, Worker};

/// The registered methods that are forwarded; others are as well, but TRACE and CONNECT never.
const METHODS: &[u8] = b"GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";

/// Seconds after which it is worth asking an overloaded gateway again (RFC 9110 §10.2.3): a few readings of its fullness.
const RETRY_AFTER: &[u8] = b"2";

/// Tells the client what is wrong, and says how its connection goes on.
pub(super) async fn fault<D: Downstream>(
    worker: &Worker,
    guard: &Guard,
    down: &mut D,
    scratch: &mut Scratch,
    fault: Fault,
) -> Next {
    let row = fault.row();
    let elsewhere = scratch.elsewhere.take();
    // Found (RFC 9110 §15.4.3), as ingress-nginx answers.
    let status = if elsewhere.is_some() { 302 } else { row.status };
    if row.status == 0 {
        worker.tally().response(0);
        return Next::Close;
    }
    let current = worker.current();
    let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
    let keeps = row.keeps
        && scratch.request.persistent
        && scratch.request.version == Version::Http11
        && !guard.lets_go()
        && !down.is_worn_out(&settings.limits, worker.moment(guard.now()))
        && down.skip();
    // Of a head that was refused, or did not come, the method is not known.
    let is_known = !matches!(fault, Fault::Refused(_) | Fault::HeadTimeout);
    let head_only = is_known && scratch.request.method.is_head();
    scratch.out.clear();
    let is_call = down.is_call();
    let begin = worker.date.with(|date| {
        let text = match fault {
            Fault::Refused(refusal) => refusal.to_string(),
            _ => row.text.to_owned(),
        };
        if is_call {
            grpc::write_outcome(&mut scratch.out, date, fault, &text);
            return scratch.out.len();
        }
        let text = format!("{status} {text}\n");
        let further: Option<(&str, &[u8])> = match fault {
            _ if let Some(elsewhere) = &elsewhere => Some(("Location", elsewhere.as_str().as_bytes())),
            Fault::Overloaded => Some(("Retry-After", RETRY_AFTER)),
            // For those who used a method that no route has (RFC 9110 §15.5.6).
            _ if row.status == 405 => Some(("Allow", METHODS)),
            _ => None,
        };
        let fields: [(&str, &[u8]); 3] =
            [("Date", date), ("Content-Type", b"text/plain; charset=utf-8"), further.unwrap_or_default()];
        let fields = fields.get(..2 + usize::from(further.is_some())).unwrap_or_default();
        write_own_response(&mut scratch.out, status, !keeps, fields, text.as_bytes(), head_only)
    });
    worker.tally().response(if is_call { 200 } else { status });
    let patience = Patience { guard, settings };
    // The head says how long the content is: it needs no framing of its own.
    let (_, sink) = down.halves();
    sink.frame(false);
    let (head, content) = scratch.out.split_at_checked(begin).unwrap_or_default();
    let written = pin!(sink.send(patience, head, Piece { content, last: true, trailers: None }));
    match guard.run(Phase::Cut, written).await {
        Ok(Ok(())) if keeps => Next::Request,
        Ok(Ok(())) => Next::Linger,
        Ok(Err(_)) | Err(_) => Next::Close,
    }
}
