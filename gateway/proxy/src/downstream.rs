//! The client's side of one exchange, whichever version it speaks.

use std::rc::Rc;

use bulkhead_http1::{Framing, RequestHead};
use bulkhead_model::Moment;
use bulkhead_model::settings::Limits;

use crate::connection::Client;
use crate::content::{RequestSource, Sink};
use crate::deadline::Guard;
use crate::fault::Fault;
use crate::publication::Pinned;
use crate::transfer::Patience;
use crate::worker::Worker;

/// A client that sends a request and takes its response.
///
/// Every head is a head of HTTP/1.1 here, parsed by one codec, so that what holds for a request does not depend on how it came.
pub(crate) trait Downstream {
    type Source: RequestSource;
    type Sink: Sink;

    /// Awaits a complete request head, within limits, and the snapshot that was the newest then. Its parts are in `request`.
    async fn receive(
        &mut self,
        worker: &Worker,
        guard: &Guard,
        request: &mut RequestHead,
    ) -> Result<Option<Rc<Pinned>>, Fault>;

    /// The bytes that the head was parsed from, until the content begins.
    fn head(&self) -> &[u8];

    /// Gives up the head: what follows is content.
    fn begin(&mut self, framing: Framing);

    /// Takes in hand what content came with the head.
    fn decode(&mut self) -> Result<(), Fault>;

    fn client(&self) -> &Client;

    fn source(&self) -> &Self::Source;

    fn halves(&mut self) -> (&mut Self::Source, &mut Self::Sink);

    /// Whether the connection has had its share of requests or time.
    fn is_worn_out(&self, limits: &Limits, now: Moment) -> bool;

    /// Whether a client that asked to be told to go on has sent no content yet.
    fn awaits_permission(&self) -> bool;

    /// Tells a client that waits for it to send its content (RFC 9110 §10.1.1).
    async fn go_on(&mut self, patience: Patience<'_>) -> Result<(), Fault>;

    /// Whether its failure is told in the words of gRPC: a call over HTTP/2.
    fn is_call(&self) -> bool {
        false
    }

    /// Passes over what is left of the request's content. `false`: this connection can carry no other request.
    fn skip(&mut self) -> bool;

    /// Like [`Self::skip`], and from here on it is as if the request had come without content.
    fn forget(&mut self) -> bool;
}
