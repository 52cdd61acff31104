//! Chunked content, as it should be and as an attacker would write it.

use std::num::NonZeroUsize;

use super::refused::CHUNKS;
use crate::{ChunkHead, Decoded, Decoder, Framing, Refusal, ResponseFraming};

/// The content of `bytes`, decoded in pieces of at most `step` bytes, and how many bytes belonged to it.
pub(super) fn decode(framing: Framing, bytes: &[u8], step: usize) -> Result<(Vec<u8>, usize), Refusal> {
    decode_with(&mut Decoder::new(framing), bytes, step)
}

/// The same with a decoder that is looked at afterwards.
pub(super) fn decode_with(decoder: &mut Decoder, bytes: &[u8], step: usize) -> Result<(Vec<u8>, usize), Refusal> {
    let (mut content, mut consumed) = (Vec::new(), 0);
    for piece in bytes.chunks(step) {
        if decoder.is_end() {
            break;
        }
        let mut buf = piece.to_vec();
        let decoded = decoder.decode(&mut buf)?;
        assert!(decoded.content <= decoded.consumed && decoded.consumed <= piece.len());
        assert_eq!(buf[decoded.consumed..], piece[decoded.consumed..], "bytes of the next message were touched");
        assert!(decoded.end || decoded.consumed == piece.len(), "only an end leaves bytes over");
        assert_eq!(decoded.end, decoder.is_end());
        content.extend_from_slice(&buf[..decoded.content]);
        consumed += decoded.consumed;
    }
    decoder.finish()?;
    Ok((content, consumed))
}

fn chunked(bytes: &[u8]) -> Result<(Vec<u8>, usize), Refusal> {
    let whole = decode(Framing::Chunked, bytes, usize::MAX);
    assert_eq!(whole, decode(Framing::Chunked, bytes, 1), "depends on reads: {}", bytes.escape_ascii());
    whole
}

#[test]
fn chunks_are_squeezed_out_and_the_next_message_is_left_alone() {
    let cases: &[(&[u8], &[u8])] = &[
        (b"0\r\n\r\n", b""),
        (b"4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n", b"wikipedia"),
        (b"A\r\n0123456789\r\n00\r\n\r\n", b"0123456789"),
        (b"0000000000000001\r\nx\r\n0\r\n\r\n", b"x"),
        (b"1;a=\"b;c\"\r\nx\r\n0;last\r\n\r\n", b"x"),
        (b"1;\xff\t \r\nx\r\n0\r\n\r\n", b"x"),
        (b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n"),
        (b"1\r\nx\r\n0\r\nHost: evil\r\nContent-Length: 5\r\nEmpty:\r\n\r\n", b"x"),
    ];
    for &(bytes, content) in cases {
        assert_eq!(chunked(bytes), Ok((content.to_vec(), bytes.len())), "{}", bytes.escape_ascii());
        let pipelined = [bytes, b"GET / HTTP/1.1\r\n"].concat();
        assert_eq!(chunked(&pipelined), Ok((content.to_vec(), bytes.len())), "{}", bytes.escape_ascii());
    }
}

#[test]
fn framing_that_is_not_exactly_right_is_refused() {
    for &(bytes, refusal) in CHUNKS {
        assert_eq!(chunked(bytes), Err(refusal), "{}", bytes.escape_ascii());
    }
}

#[test]
fn extensions_are_bounded() {
    let extension = |len: usize| format!("1;{}\r\nx\r\n", "e".repeat(len - 1));
    let end = "0\r\n\r\n";
    assert!(chunked((extension(1024) + end).as_bytes()).is_ok());
    assert_eq!(chunked((extension(1025) + end).as_bytes()), Err(Refusal::ChunkExtensionsTooLarge));
    assert!(chunked((extension(1024).repeat(16) + end).as_bytes()).is_ok());
    assert_eq!(
        chunked((extension(1024).repeat(16) + &extension(1) + end).as_bytes()),
        Err(Refusal::ChunkExtensionsTooLarge)
    );
}

#[test]
fn a_refused_decoder_stays_refused() {
    let mut decoder = Decoder::new(Framing::Chunked);
    assert_eq!(decoder.decode(&mut b"x".to_vec()), Err(Refusal::BadChunkSize));
    assert_eq!(decoder.decode(&mut b"0\r\n\r\n".to_vec()), Err(Refusal::BadChunkSize));
    assert_eq!((decoder.finish(), decoder.is_end()), (Err(Refusal::BadChunkSize), false));
}

#[test]
fn sized_content_ends_at_its_last_byte() {
    let mut decoder = Decoder::new(Framing::Sized(5));
    assert_eq!(decoder.remaining_hint(), 5);
    assert_eq!(decoder.decode(&mut b"abc".to_vec()), Ok(Decoded { consumed: 3, content: 3, end: false }));
    assert_eq!((decoder.remaining_hint(), decoder.finish()), (2, Err(Refusal::Truncated)));
    assert_eq!(decoder.decode(&mut b"deGET".to_vec()), Ok(Decoded { consumed: 2, content: 2, end: true }));
    assert_eq!(decoder.decode(&mut b"GET".to_vec()), Ok(Decoded { consumed: 0, content: 0, end: true }));
    assert_eq!(decoder.finish(), Ok(()));
}

#[test]
fn a_message_without_content_is_over_at_once() {
    assert!(Decoder::new(Framing::None).is_end() && Decoder::new(Framing::Sized(0)).is_end());
    assert!(Decoder::for_response(ResponseFraming::None).is_end());
    assert!(Decoder::for_response(ResponseFraming::Sized(0)).is_end());
}

#[test]
fn content_until_close_has_no_end_of_its_own() {
    let mut decoder = Decoder::for_response(ResponseFraming::UntilClose);
    assert_eq!(decoder.decode(&mut b"abc".to_vec()), Ok(Decoded { consumed: 3, content: 3, end: false }));
    assert_eq!((decoder.is_end(), decoder.finish()), (false, Ok(())));
}

#[test]
fn a_chunk_head_is_the_size_in_hexadecimal() {
    for len in [1, 9, 10, 15, 16, 500, 65536, usize::MAX] {
        let head = ChunkHead::new(NonZeroUsize::new(len).unwrap());
        assert_eq!(head.as_bytes(), format!("{len:x}\r\n").as_bytes());
    }
}
