//! HTTP/2 towards clients, and content as it is on either side. Framing, flow control and header compression are the `h2` crate's; what a request is, and what
//! becomes of it, is decided where it is for HTTP/1.1.
//!
//! - `connection`: one connection, its streams, its time and its share
//! - `downstream`: one stream, as an exchange sees it
//! - `head`: heads of one version in terms of the other
//! - `source`, `sink`: content in both directions
//! - `store`: what waits in h2 for one client
//! - `cork`: one write per connection and tick
//! - `meter`: how often frames come that bring nothing

mod connection;
pub(crate) mod cork;
mod downstream;
pub(crate) mod head;
mod meter;
mod sink;
mod source;
mod store;

pub(crate) use connection::serve;
pub(crate) use sink::{LAST_WORD, Sending, poll_room};
pub(crate) use source::Source;
pub(crate) use store::Boundless;

/// What a client that knows beforehand begins with (RFC 9113 §3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
