//! Content, decoded in place.

use crate::chunk::{Chunks, Step};
use crate::{Framing, Refusal, ResponseFraming, Trailers};

/// Decodes the content of one message out of the buffers it is read into. It keeps only counters, and trailers that may
/// pass, never content.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    trailers: Trailers,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Sized(u64),
    Chunked(Chunks),
    UntilClose,
    End,
    Refused(Refusal),
}

/// What one buffer brought.
///
/// ```text
///  before:  4 CR LF w i k i CR LF 0 CR LF CR LF G E T …
///  after:   w i k i . . . . . . . . . . . . . . G E T …
///           ^content^                           ^consumed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes of the buffer that belong to this message. What follows is the next message's and still where it was.
    pub consumed: usize,
    /// Content bytes, which now stand at the start of the buffer. `content <= consumed`; the bytes between are spent.
    pub content: usize,
    /// Whether the message ended here. Only then can `consumed` be less than the buffer.
    pub end: bool,
}

impl Decoder {
    /// For the content of a request.
    pub fn new(framing: Framing) -> Self {
        Self::with(match framing {
            Framing::None | Framing::Sized(0) => State::End,
            Framing::Sized(length) => State::Sized(length),
            Framing::Chunked => State::Chunked(Chunks::default()),
        })
    }

    /// For the content of a response.
    pub fn for_response(framing: ResponseFraming) -> Self {
        Self::with(match framing {
            ResponseFraming::None | ResponseFraming::Sized(0) => State::End,
            ResponseFraming::Sized(length) => State::Sized(length),
            ResponseFraming::Chunked => State::Chunked(Chunks::default()),
            ResponseFraming::UntilClose => State::UntilClose,
        })
    }

    const fn with(state: State) -> Self {
        Self { state, trailers: Trailers::NONE }
    }

    /// Lets the trailer section have so many fields: what the head leaves of the limit that they share. Without this, and at
    /// most, [`MAX_FIELDS`](crate::MAX_FIELDS).
    #[inline]
    pub fn limit_trailers(&mut self, fields: usize) {
        if let State::Chunked(chunks) = &mut self.state {
            chunks.limit_trailers(fields);
        }
    }

    /// Takes the bytes that arrived since the last call and moves their content to the start of `buf`. All of `buf` is
    /// consumed unless the message ends inside it; nothing has to be kept for the next call.
    ///
    /// # Errors
    /// A [`Refusal`] for chunk framing that is not exactly right, now and on every later call.
    pub fn decode(&mut self, buf: &mut [u8]) -> Result<Decoded, Refusal> {
        match &mut self.state {
            State::End => Ok(Decoded { consumed: 0, content: 0, end: true }),
            State::UntilClose => Ok(Decoded { consumed: buf.len(), content: buf.len(), end: false }),
            State::Refused(refusal) => Err(*refusal),
            State::Sized(left) => {
                let len = take(*left, buf.len());
                *left -= len as u64;
                let end = *left == 0;
                if end {
                    self.state = State::End;
                }
                Ok(Decoded { consumed: len, content: len, end })
            }
            State::Chunked(chunks) => {
                let decoded = squeeze(chunks, &mut self.trailers, buf);
                match decoded {
                    Ok(Decoded { end: true, .. }) => self.state = State::End,
                    Err(refusal) => self.state = State::Refused(refusal),
                    Ok(_) => {}
                }
                decoded
            }
        }
    }

    /// Whether the content is complete.
    pub const fn is_end(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// The trailers that may pass. All of them once the content [is complete](Self::is_end), and meaningless before.
    pub const fn trailers(&self) -> &Trailers {
        &self.trailers
    }

    /// Content bytes that are sure to come: the rest of a sized content, or of the current chunk. 0 says nothing.
    pub const fn remaining_hint(&self) -> u64 {
        match &self.state {
            State::Sized(left) => *left,
            State::Chunked(chunks) => chunks.data(),
            State::UntilClose | State::End | State::Refused(_) => 0,
        }
    }

    /// To be called when the connection has ended.
    ///
    /// # Errors
    /// [`Refusal::Truncated`] if the content is incomplete: the message must not look complete to whoever receives it.
    pub const fn finish(&self) -> Result<(), Refusal> {
        match self.state {
            State::End | State::UntilClose => Ok(()),
            State::Sized(_) | State::Chunked(_) => Err(Refusal::Truncated),
            State::Refused(refusal) => Err(refusal),
        }
    }
}

/// Moves the data of chunks to the start of `buf`, one after the other.
fn squeeze(chunks: &mut Chunks, trailers: &mut Trailers, buf: &mut [u8]) -> Result<Decoded, Refusal> {
    // content <= consumed <= buf.len()
    let (mut consumed, mut content) = (0, 0);
    while let Some(&byte) = buf.get(consumed) {
        let len = take(chunks.data(), buf.len() - consumed);
        if len > 0 {
            if content != consumed {
                buf.copy_within(consumed..consumed + len, content);
            }
            chunks.take(len as u64);
            consumed += len;
            content += len;
            continue;
        }
        consumed += 1;
        if let Step::End = chunks.step(byte, trailers)? {
            return Ok(Decoded { consumed, content, end: true });
        }
    }
    Ok(Decoded { consumed, content, end: false })
}

/// The smaller of what is left and what is there.
fn take(left: u64, there: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(there)
}
