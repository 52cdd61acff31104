//! What stands around a piece of content that is passed on: nothing, or the framing of one chunk of our own size.

use std::num::NonZeroUsize;

use bulkhead_http1::{CHUNK_END, ChunkHead, LAST_CHUNK};

/// A chunk's end and the last chunk, in one piece.
const CHUNK_END_AND_LAST: &[u8] = b"\r\n0\r\n\r\n";

/// The bytes before and after one piece of content.
pub(super) struct Frame {
    head: Option<ChunkHead>,
    end: &'static [u8],
}

impl Frame {
    /// For `content` bytes; `last` if the content ends with them.
    pub(super) fn new(chunked: bool, content: usize, last: bool) -> Self {
        if !chunked {
            return Self { head: None, end: b"" };
        }
        let head = NonZeroUsize::new(content).map(ChunkHead::new);
        let end = match (head.is_some(), last) {
            (true, true) => CHUNK_END_AND_LAST,
            (true, false) => CHUNK_END,
            (false, true) => LAST_CHUNK,
            (false, false) => b"",
        };
        Self { head, end }
    }

    pub(super) fn head(&self) -> &[u8] {
        self.head.as_ref().map_or(b"", ChunkHead::as_bytes)
    }

    pub(super) fn end(&self) -> &'static [u8] {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;

    #[test]
    fn a_piece_is_framed_once_and_the_end_is_written_once() {
        for (chunked, content, last, framed) in [
            (false, "abc", true, "abc"),
            (true, "abc", false, "3\r\nabc\r\n"),
            (true, "abc", true, "3\r\nabc\r\n0\r\n\r\n"),
            (true, "", true, "0\r\n\r\n"),
            (true, "", false, ""),
        ] {
            let frame = Frame::new(chunked, content.len(), last);
            assert_eq!([frame.head(), content.as_bytes(), frame.end()].concat(), framed.as_bytes());
        }
    }
}
