//! Step 5: what the gateway says itself.

use std::pin::pin;

use bulkhead_http1::{Version, write_own_response};

use crate::connection::Downstream;
use crate::deadline::{Guard, Waiting};
use crate::exchange::{NOTHING, Next, Sent};
use crate::fault::Fault;
use crate::phase::Phase;
use crate::transfer::{Patience, write_all};
use crate::worker::{Scratch, Worker};

/// The registered methods that are forwarded; others are as well, but TRACE and CONNECT never.
const METHODS: &[u8] = b"GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";

/// Tells the client what is wrong, and says how its connection goes on.
pub(super) async fn fault(
    worker: &Worker,
    guard: &Guard,
    down: &mut Downstream<'_>,
    scratch: &mut Scratch,
    fault: Fault,
) -> Next {
    let row = fault.row();
    if row.status == 0 {
        worker.tally().response(0);
        return Next::Close;
    }
    let current = worker.current();
    let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
    let keeps = row.keeps
        && scratch.request.persistent
        && scratch.request.version == Version::Http11
        && guard.phase() < Phase::Lameduck
        && down.requests < settings.limits.keep_alive_requests
        && skip_content(down);
    // Of a head that was refused, or did not come, the method is not known.
    let is_known = !matches!(fault, Fault::Refused(_) | Fault::HeadTimeout);
    let head_only = is_known && scratch.request.method.is_head();
    scratch.out.clear();
    worker.date.with(|date| {
        let text = match fault {
            Fault::Refused(refusal) => format!("{} {refusal}\n", row.status),
            _ => format!("{} {}\n", row.status, row.text),
        };
        let fields: [(&str, &[u8]); 3] =
            [("Date", date), ("Content-Type", b"text/plain; charset=utf-8"), ("Allow", METHODS)];
        // Allow is for those who used a method that no route has (RFC 9110 §15.5.6).
        let fields = fields.get(..if row.status == 405 { 3 } else { 2 }).unwrap_or_default();
        write_own_response(&mut scratch.out, row.status, !keeps, fields, text.as_bytes(), head_only);
    });
    worker.tally().response(row.status);
    let patience = Patience { guard, settings };
    let parts = [&scratch.out[..], b"", b"", b""];
    let written = pin!(write_all(&mut down.write, patience, Waiting::Client, parts));
    match guard.run(Phase::Cut, written).await {
        Ok(Ok(())) if keeps => Next::Request,
        Ok(Ok(())) => Next::Linger,
        Ok(Err(_)) | Err(_) => Next::Close,
    }
}

/// Passes over what is left of the request's content, if all of it is here already. `false`: the next request cannot be
/// found, or not without reading what nobody wants.
fn skip_content(down: &mut Downstream<'_>) -> bool {
    if down.sent == Sent::Streaming {
        return false;
    }
    let Some(buffer) = &mut down.buffer else { return down.content.is_end() };
    buffer.consume(std::mem::replace(&mut down.decoded, NOTHING).consumed);
    if !down.content.is_end()
        && let Ok(decoded) = down.content.decode(buffer.filled_mut())
    {
        buffer.consume(decoded.consumed);
    }
    down.content.is_end()
}

/// Tells a client that waits for it to send its content (RFC 9110 §10.1.1).
pub(super) async fn go_on(down: &mut Downstream<'_>, patience: Patience<'_>) -> Result<(), Fault> {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    write_all(&mut down.write, patience, Waiting::Client, [interim, b"", b"", b""]).await.map_err(|_| Fault::ClientGone)
}
