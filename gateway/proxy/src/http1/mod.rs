//! HTTP/1.1 on sockets: a client's connection, and content in both directions.

mod connection;
mod downstream;
mod frame;
mod head;
mod sink;
mod source;

pub(crate) use connection::serve;
pub(crate) use downstream::Downstream;
pub(crate) use sink::Sink;
pub(crate) use source::Source;
