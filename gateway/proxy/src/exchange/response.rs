//! The response on its way to the client.

use std::cell::Cell;

use bulkhead_http1::{Edits, Name, Overlay, RequestHead, ResponseFraming, ResponseHead, Version, write_response};
use bulkhead_model::ErrorPages;
use bulkhead_model::revision::Words;

use crate::content::{Piece, ResponseSource, Sink};
use crate::exchange::Next;
use crate::exchange::converse::Conversation;
use crate::exchange::record::Record;
use crate::exchange::revision;
use crate::exchange::throttle::Throttle;
use crate::fault::Fault;
use crate::upstream::Flight;
use crate::worker::Passing;

/// How a response ended.
pub(super) struct Ended {
    pub(super) next: Next,
    /// Whether the backend's connection is where the next request may begin.
    pub(super) reusable: bool,
    /// Whether both connections are a WebSocket from here on.
    pub(super) switched: bool,
    /// Whether nothing of the response was delivered: a page is to stand for it.
    pub(super) replaced: bool,
}

/// The two sides of a response, and what is known of the request that it answers.
pub(super) struct Delivery<'d, K, S> {
    pub(super) conversation: &'d Conversation<'d>,
    pub(super) flight: &'d Flight<'d>,
    pub(super) sink: &'d mut K,
    pub(super) source: &'d mut S,
    /// Whether the request has been sent to its end.
    pub(super) complete: &'d Cell<bool>,
    /// Whether the client speaks TLS.
    pub(super) secure: bool,
    /// Whether the client's connection is to be closed anyway.
    pub(super) worn_out: bool,
    pub(super) request: &'d RequestHead,
    pub(super) response: &'d mut ResponseHead,
    /// What the route's filters change of the head.
    pub(super) over: Option<&'d Overlay>,
    /// What it says otherwise.
    pub(super) words: Option<&'d Words>,
    /// When another endpoint is asked instead.
    pub(super) passing: &'d Passing,
    /// Which responses pages stand for.
    pub(super) pages: Option<&'d ErrorPages>,
    /// Value of the `Set-Cookie` field that the gateway adds; empty: it adds none.
    pub(super) cookie: &'d [u8],
    /// Where the route says how fast it is sent.
    pub(super) throttle: Option<Box<Throttle>>,
    /// For the access log.
    pub(super) record: &'d Record,
    pub(super) out: &'d mut Vec<u8>,
}

impl<K: Sink, S: ResponseSource> Delivery<'_, K, S> {
    /// Receives the final response and passes it on to its end.
    pub(super) async fn run(mut self) -> Result<Ended, Fault> {
        let Conversation { worker, patience, begun, .. } = self.conversation;
        self.source.receive(worker, *patience, self.request, self.response).await?;
        if self.passing.statuses.has(self.response.status) && self.is_passed_on() {
            return Err(Fault::UpstreamStatus);
        }
        if self.pages.is_some_and(|pages| pages.replace(self.response.status)) {
            return self.withhold();
        }
        let (framing, closes) = self.write_head();
        let follows = if self.response.upgrade { ResponseFraming::UntilClose } else { self.response.framing };
        self.source.begin(follows).map_err(|_| Fault::BadResponse)?;
        self.sink.frame(framing == ResponseFraming::Chunked);
        self.flight.answered();
        begun.set(true);
        worker.tally().response(self.response.status);
        self.record.respond(self.response.status);
        if self.response.upgrade {
            let nothing = Piece { content: &[], last: false, trailers: None };
            self.sink.send(*patience, self.out, nothing).await.map_err(|_| Fault::ClientGone)?;
            return Ok(Ended { next: Next::Close, reusable: false, switched: true, replaced: false });
        }
        loop {
            let piece = self.source.piece();
            let piece = if self.request.trailers { piece } else { piece.bare() };
            let record = self.record;
            let count = |bytes: usize| {
                worker.tally().bytes_out.add(bytes as u64);
                record.send(bytes);
            };
            match &mut self.throttle {
                None => self.sink.send(*patience, self.out, piece).await.map(|()| count(piece.content.len())),
                // Boxed: few responses need it.
                Some(throttle) => Box::pin(throttle.send(self.sink, *patience, self.out, piece, count)).await,
            }
            .map_err(|_| Fault::ClientGone)?;
            self.out.clear();
            if piece.last {
                break;
            }
            let room = self.sink.ready(*patience).await.map_err(|_| Fault::ClientGone)?;
            self.source.advance(worker, *patience, room).await.map_err(|_| Fault::ResponseTruncated)?;
        }
        let next = match (closes, self.request.persistent && self.complete.get()) {
            (false, _) => Next::Request,
            (true, false) if self.complete.get() => Next::Close,
            (true, _) => Next::Linger,
        };
        let reusable = self.source.is_clean() && self.response.persistent && self.complete.get();
        Ok(Ended { next, reusable, switched: false, replaced: false })
    }

    /// Gives the response up. Its connection is kept if all of it is here already: nobody waits for what nobody reads. A challenge
    /// is left in `out`.
    #[cold]
    fn withhold(&mut self) -> Result<Ended, Fault> {
        self.flight.answered();
        self.out.clear();
        if let Some(challenge) = self.response.fields.iter().find(|field| field.id == Name::WwwAuthenticate) {
            self.out.extend_from_slice(challenge.value.of(self.source.head()));
        }
        self.source.begin(self.response.framing).map_err(|_| Fault::BadResponse)?;
        let whole = self.source.piece().last && self.source.is_clean();
        let reusable = whole && self.response.persistent && self.complete.get();
        Ok(Ended { next: Next::Close, reusable, switched: false, replaced: true })
    }

    /// Whether another endpoint is asked for the response instead.
    #[cold]
    fn is_passed_on(&self) -> bool {
        let Conversation { worker, patience, .. } = self.conversation;
        let now = worker.moment(patience.guard.now());
        self.flight.answered();
        self.passing.until.is_none_or(|until| now <= until) && self.flight.may_pass_on()
    }

    /// Writes the head for the client to `out`; says how content is framed there, and whether the connection ends after it.
    fn write_head(&mut self) -> (ResponseFraming, bool) {
        let framing = match (self.response.framing, self.request.version) {
            (ResponseFraming::Chunked | ResponseFraming::UntilClose, Version::Http11) => ResponseFraming::Chunked,
            (ResponseFraming::Chunked | ResponseFraming::UntilClose, Version::Http10) => ResponseFraming::UntilClose,
            (framing, _) => framing,
        };
        let closes = self.worn_out
            || !self.request.persistent
            || !self.complete.get()
            || framing == ResponseFraming::UntilClose
            || self.conversation.patience.guard.lets_go();
        if self.worn_out && self.request.persistent {
            self.conversation.worker.tally().worn_out.add(1);
        }
        let keep_alive = self.request.version == Version::Http10 && !closes;
        self.out.clear();
        let (response, out, bytes) = (&*self.response, &mut *self.out, self.source.head());
        let skip = usize::from(self.cookie.is_empty());
        let revised =
            self.words.zip(self.over).and_then(|(words, over)| revision::revise(words, over, response, bytes));
        let over = revised.as_ref().or(self.over);
        // The route's own word counts, as in answers of the gateway itself.
        let is_said = over.is_some_and(|over| over.replaces("Strict-Transport-Security"));
        let strict = self.conversation.patience.settings.strict_transport.filter(|_| self.secure && !is_said);
        let strict = strict.map(|value| (Name::StrictTransportSecurity, value.as_bytes()));
        let mut write = |append: &[(Name, &[u8])]| {
            let append = append.get(skip..).unwrap_or_default();
            let edits = Edits { over, set: strict.as_slice(), append, upgrade: true, ..Edits::default() };
            write_response(out, bytes, response, framing, closes, keep_alive, &edits);
        };
        let cookie = (Name::SetCookie, self.cookie);
        if response.fields.iter().any(|field| field.id == Name::Date) {
            write(&[cookie]);
        } else {
            // A backend without a clock leaves the time to whoever has one (RFC 9110 §6.6.1).
            self.conversation.worker.date.with(|date| write(&[cookie, (Name::Date, date)]));
        }
        (framing, closes)
    }
}
