//! The data path: sockets in, sockets out.
//!
//! In: a [`Config`] (where to listen, with how many threads) and a [`Publication`] through which the control thread hands
//! over snapshots. Out: served requests, and counters in a [`Tally`].
//!
//! One thread per core runs `worker`: its own listeners (SO_REUSEPORT), buffers, upstream pool and counters, shared with
//! nobody. A downstream connection is one future (`connection`), under TLS after a `handshake`; a request passes the steps in `exchange`, in the order in
//! which they stand there; what may go wrong, and what the client is told, is the table in `fault`. Decisions are
//! `bulkhead-model`'s, bytes are `bulkhead-http1`'s: here is only what touches the kernel.

mod access_log;
mod buffer;
mod certificates;
mod clock;
mod configs;
mod connection;
mod content;
mod deadline;
mod dice;
mod downstream;
mod exchange;
#[cfg(test)]
mod failpoint;
pub mod fault;
mod handshake;
mod http1;
mod http2;
mod id_map;
mod incidents;
pub mod ledger;
mod listen;
mod pace;
mod passwords;
mod peer;
mod phase;
mod protocol;
mod proxy;
mod proxy_header;
mod pseudonym;
mod publication;
mod registry;
mod rulings;
pub mod spans;
mod stream;
pub mod tally;
mod tickets;
mod trace;
mod transfer;
mod upstream;
mod whole;
mod worker;

pub use listen::StartError;
pub use proxy::{Config, Proxy};
pub use publication::Publication;
pub use rustls::sign::CertifiedKey;
pub use tally::Tally;

#[cfg(test)]
mod tests;
