//! Content and trailers.

use std::num::NonZeroUsize;

use bulkhead_http1::{CHUNK_END, ChunkHead, Decoder, Framing, Refusal, Trailers, may_trail, write_last_chunk};

/// Chunked content means the same wherever reads end; what it decodes to can be written so that it decodes to the same again; its
/// trailers are such as may pass.
pub(crate) fn chunked_content(bytes: &[u8]) {
    let whole = decode(Decoder::new(Framing::Chunked), bytes, usize::MAX);
    for step in [1, 2, 7] {
        let pieces = decode(Decoder::new(Framing::Chunked), bytes, step);
        assert_eq!(pieces, whole, "in pieces of {step}");
    }
    let Ok(Decoded { content, trailers, .. }) = whole else { return };
    assert!(trailers.iter().all(|(name, _)| may_trail(name, false)), "{trailers:?}");
    assert!(trailers.as_bytes().len() <= 16 << 10);
    let mut out = Vec::new();
    write(&mut out, &content, &trailers);
    let again = decode(Decoder::new(Framing::Chunked), &out, 3);
    assert_eq!(again, Ok(Decoded { content, trailers, consumed: out.len() }));
}

/// What content decoded to.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) content: Vec<u8>,
    pub(crate) trailers: Trailers,
    /// Bytes that belonged to it.
    pub(crate) consumed: usize,
}

impl PartialEq for Decoded {
    fn eq(&self, other: &Self) -> bool {
        let parts = |decoded: &Self| (decoded.consumed, decoded.trailers.as_bytes().to_vec());
        self.content == other.content && parts(self) == parts(other)
    }
}

/// Decodes `bytes` in pieces of at most `step` bytes.
pub(crate) fn decode(mut decoder: Decoder, bytes: &[u8], step: usize) -> Result<Decoded, Refusal> {
    let (mut content, mut consumed) = (Vec::new(), 0);
    for piece in bytes.chunks(step) {
        if decoder.is_end() {
            break;
        }
        let mut buffer = piece.to_vec();
        let decoded = decoder.decode(&mut buffer)?;
        assert!(decoded.content <= decoded.consumed && decoded.consumed <= piece.len());
        assert!(decoded.end || decoded.consumed == piece.len(), "bytes are left over before the end");
        assert_eq!(buffer.get(decoded.consumed..), piece.get(decoded.consumed..), "the next message was touched");
        content.extend_from_slice(buffer.get(..decoded.content).unwrap_or_default());
        consumed += decoded.consumed;
    }
    decoder.finish()?;
    Ok(Decoded { content, trailers: decoder.trailers().clone(), consumed })
}

/// Writes chunked content as it leaves.
pub(crate) fn write(out: &mut Vec<u8>, content: &[u8], trailers: &Trailers) {
    for piece in content.chunks(16) {
        if let Some(len) = NonZeroUsize::new(piece.len()) {
            out.extend_from_slice(ChunkHead::new(len).as_bytes());
            out.extend_from_slice(piece);
            out.extend_from_slice(CHUNK_END);
        }
    }
    write_last_chunk(out, trailers);
}
