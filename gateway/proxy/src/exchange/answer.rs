//! Step 5: what the gateway says itself.

use std::borrow::Cow;
use std::pin::pin;

use bulkhead_http1::{Overlay, Version, write_own_response};

use bulkhead_model::Answer;

use crate::content::{Piece, Sink as _};
use crate::deadline::Guard;
use crate::downstream::Downstream;
use crate::exchange::stop::Stop;
use crate::exchange::{Next, grpc};
use crate::fault::Fault;
use crate::phase::Phase;
use crate::transfer::Patience;
use crate::worker::{Scratch, Worker};

/// The registered methods that are forwarded; others are as well, but TRACE and CONNECT never.
const METHODS: &[u8] = b"GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";

/// Seconds after which it is worth asking an overloaded gateway again (RFC 9110 §10.2.3): a few readings of its fullness.
const RETRY_AFTER: &[u8] = b"2";

/// Tells the client why its request goes no further, and says how its connection goes on.
pub(super) async fn give<D: Downstream>(
    worker: &Worker,
    guard: &Guard,
    down: &mut D,
    scratch: &mut Scratch,
    stop: Stop,
) -> Next {
    match stop {
        Stop::Fault(fault) => self::fault(worker, guard, down, scratch, fault).await,
        Stop::Answer(answer) => {
            let fields: Vec<(&str, &[u8])> = answer.fields.iter().map(|(name, value)| (*name, &**value)).collect();
            let said = Said {
                status: answer.status,
                fault: answer.denial.map(Fault::Denied),
                keeps: true,
                is_known: true,
                fields: &fields,
                text: text(&answer),
            };
            say(worker, guard, down, scratch, said).await
        }
    }
}

/// What an answer says for a person.
fn text(answer: &Answer) -> &'static str {
    match (answer.status, answer.denial) {
        (300..=399, _) => "what is asked for is elsewhere",
        (_, Some(denial)) => Fault::Denied(denial).row().text,
        _ => "",
    }
}

async fn fault<D: Downstream>(
    worker: &Worker,
    guard: &Guard,
    down: &mut D,
    scratch: &mut Scratch,
    fault: Fault,
) -> Next {
    let row = fault.row();
    if row.status == 0 {
        worker.tally().response(0);
        return Next::Close;
    }
    let text = match fault {
        Fault::Refused(refusal) => Cow::Owned(refusal.to_string()),
        _ => Cow::Borrowed(row.text),
    };
    let further: Option<(&str, &[u8])> = match fault {
        Fault::Overloaded => Some(("Retry-After", RETRY_AFTER)),
        // For those who used a method that no route has (RFC 9110 §15.5.6).
        _ if row.status == 405 => Some(("Allow", METHODS)),
        _ => None,
    };
    // Of a head that was refused, or did not come, the method is not known.
    let is_known = !matches!(fault, Fault::Refused(_) | Fault::HeadTimeout);
    let said = Said {
        status: row.status,
        fault: Some(fault),
        keeps: row.keeps,
        is_known,
        fields: further.as_slice(),
        text: &text,
    };
    say(worker, guard, down, scratch, said).await
}

/// A response of our own.
struct Said<'a> {
    status: u16,
    /// What is wrong, if anything is.
    fault: Option<Fault>,
    /// Whether the connection can carry another request after it.
    keeps: bool,
    /// Whether the head of the request is known.
    is_known: bool,
    fields: &'a [(&'a str, &'a [u8])],
    /// A line for a person; empty: there is no content.
    text: &'a str,
}

async fn say<D: Downstream>(
    worker: &Worker,
    guard: &Guard,
    down: &mut D,
    scratch: &mut Scratch,
    said: Said<'_>,
) -> Next {
    let current = worker.current();
    let settings = current.as_ref().map_or(&worker.fallback, |pinned| &pinned.snapshot().settings);
    let worn_out = down.is_worn_out(&settings.limits, worker.moment(guard.now()));
    if worn_out && said.keeps && scratch.request.persistent {
        worker.tally().worn_out.add(1);
    }
    let keeps = said.keeps
        && scratch.request.persistent
        && scratch.request.version == Version::Http11
        && !guard.lets_go()
        && !worn_out
        && down.skip();
    let head_only = said.is_known && scratch.request.method.is_head();
    scratch.out.clear();
    let outcome = said.fault.filter(|_| down.is_call() && said.status >= 400);
    let begin = worker.date.with(|date| {
        if let Some(fault) = outcome {
            grpc::write_outcome(&mut scratch.out, date, fault, said.text);
            return scratch.out.len();
        }
        let mut fields: Vec<(&str, &[u8])> = vec![("Date", date)];
        let mut text = String::new();
        if !said.text.is_empty() {
            fields.push(("Content-Type", b"text/plain; charset=utf-8"));
            text = format!("{} {}\n", said.status, said.text);
        }
        let strict = settings.strict_transport.filter(|_| down.client().secure);
        fields.extend(strict.map(|value| ("Strict-Transport-Security", value.as_bytes())));
        fields.extend_from_slice(said.fields);
        let nothing = Overlay::default();
        let over = if scratch.filters.is_some() { &scratch.to_client } else { &nothing };
        write_own_response(&mut scratch.out, said.status, !keeps, (&fields, over), text.as_bytes(), head_only)
    });
    let status = if outcome.is_some() { 200 } else { said.status };
    worker.tally().response(status);
    scratch.record.respond(status);
    scratch.record.send(scratch.out.len().saturating_sub(begin));
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
