//! A strict, sans-io HTTP/1.1 codec: the one place where bytes from a client or a backend become a message.
//!
//! In: a buffer that the caller reads into. Out: a head as typed parts and ranges of that buffer ([`RequestHead`],
//! [`ResponseHead`]), content freed of its framing ([`Decoder`]) and the [`Trailers`] behind it, and heads written anew
//! from those parts ([`write_request`], [`write_response`]). Where a message begins and ends is decided here, and nothing
//! that took part in that decision is ever copied through. What is not understood is refused, and a [`Refusal`] always ends
//! the connection that it came from.
//!
//! Start with `request.rs`; `tokens.rs` is the grammar of a head, `content.rs` decodes what follows a head, `write.rs` is the way out, `refusal.rs` lists
//! every reason to say no.

mod bytes;
mod chunk;
mod claim;
mod connection;
mod content;
mod field;
mod framing;
mod lines;
mod method;
mod name;
mod overlay;
mod own_request;
mod refusal;
mod request;
mod response;
mod span;
mod status;
mod target;
mod tokens;
mod trailer;
mod write;

#[cfg(test)]
mod tests;

pub use chunk::{CHUNK_END, ChunkHead, LAST_CHUNK};
pub use claim::{CLAIM_PREFIXES, CLAIMS, OTHER_CLAIMS};
pub use content::{Decoded, Decoder};
pub use field::{Field, HeadLimits, MAX_FIELDS, Progress, Version};
pub use framing::{Framing, ResponseFraming};
pub use lines::Lines;
pub use method::Method;
pub use name::{Name, NameSet};
pub use overlay::Overlay;
pub use own_request::{OwnRequest, write_own_request};
pub use refusal::Refusal;
pub use request::{RequestHead, parse_request};
pub use response::{ResponseHead, parse_response};
pub use span::Span;
pub use status::reason_phrase;
pub use target::TargetForm;
pub use trailer::{Trailers, may_trail, write_last_chunk};
pub use write::{Edits, write_own_response, write_request, write_response};
