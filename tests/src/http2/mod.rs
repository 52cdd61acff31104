//! HTTP/2 as bytes: frames go out exactly as written, whether or not RFC 9113 allows them, and what comes back is taken apart.
//!
//! `frame` writes and cuts frames, `hpack` writes field blocks by literals alone and reads what a peer writes with all that RFC 7541
//! lets it use (`huffman` is its code), and `client` is one connection with all its streams. Nothing here is shared with the crates
//! that the gateway is made of: what is wrong in them must not look right here.

mod client;
pub mod frame;
pub mod hpack;
mod huffman;
#[cfg(test)]
mod tests;

pub use client::{Client, End, Outcome, Response, opening};
