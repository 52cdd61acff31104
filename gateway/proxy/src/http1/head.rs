//! A complete request head, within limits.

use std::rc::Rc;

use bulkhead_http1::{HeadLimits, Progress, Refusal, RequestHead, parse_request};
use bulkhead_model::settings::Limits;
use tokio::io::AsyncReadExt;

use super::Source;
use super::source::room;
use crate::deadline::{Guard, Waiting};
use crate::fault::Fault;
use crate::publication::Pinned;
use crate::stream::ReadHalf;
use crate::worker::Worker;

/// Reads until the request head is complete; returns its length, and the snapshot that was the newest then. Its parts are
/// in `request`.
pub(super) async fn receive(
    worker: &Worker,
    guard: &Guard,
    source: &mut Source<ReadHalf<'_>>,
    request: &mut RequestHead,
) -> Result<(usize, Option<Rc<Pinned>>), Fault> {
    let Some(buffer) = &mut source.buffer else { return Err(Fault::ClientGone) };
    // How many bytes were looked at: a head cannot become complete without another line end, so that a client that sends
    // byte after byte does not have each of them parsed from the start.
    let mut seen = 0;
    loop {
        let current = worker.current();
        let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
        let limits = head_limits(&settings.limits);
        let fresh = buffer.filled().get(seen..).unwrap_or_default();
        if seen == 0 || fresh.contains(&b'\n') || buffer.filled().len() >= limits.target_bytes {
            match parse_request(buffer.filled(), &limits, request).map_err(Fault::Refused)? {
                Progress::Complete(bytes) => {
                    source.trailers = room(&limits, request.fields.len());
                    return Ok((bytes, current));
                }
                Progress::Partial => {}
            }
        }
        if seen == 0 {
            // From the first byte to the last: what arrives in between does not extend it.
            guard.wait_for(Waiting::Head, settings);
        }
        // A client that takes its time must not keep an old snapshot alive.
        drop(current);
        seen = buffer.filled().len();
        if !buffer.reserve(limits.head_bytes) {
            return Err(Fault::Refused(Refusal::HeadTooLarge));
        }
        match source.read.read_buf(buffer.spare()).await {
            Ok(0) | Err(_) => return Err(Fault::ClientGone),
            Ok(_) => {}
        }
    }
}

fn head_limits(limits: &Limits) -> HeadLimits {
    HeadLimits { head_bytes: limits.head_bytes, target_bytes: limits.target_bytes, fields: limits.fields }
}
