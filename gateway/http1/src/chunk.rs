//! Chunk framing as we write it, and as we read it (RFC 9112 §7.1).

use std::num::NonZeroUsize;

use crate::trailer::Section;
use crate::{Refusal, Trailers, bytes};

/// Ends the data of a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// Ends chunked content, without trailers. Never written for content that was cut short.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// The line before the data of a chunk, on the stack.
#[derive(Clone, Copy, Debug)]
pub struct ChunkHead {
    line: [u8; Self::LINE],
    /// Where the line begins: it is written from its end. `0 <= start < LINE`.
    start: usize,
}

impl ChunkHead {
    /// 16 hexadecimal digits hold any size; CR LF.
    const LINE: usize = 18;

    /// For a chunk of `len` bytes; a chunk without bytes would end the content.
    pub fn new(len: NonZeroUsize) -> Self {
        let mut head = Self { line: *b"0000000000000000\r\n", start: Self::LINE - CHUNK_END.len() };
        let mut rest = len.get();
        while rest != 0 && head.start > 0 {
            head.start -= 1;
            let digit = (rest & 0xf) as u8;
            if let Some(place) = head.line.get_mut(head.start) {
                *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            }
            rest >>= 4;
        }
        head
    }

    /// For example `1f4\r\n`.
    pub fn as_bytes(&self) -> &[u8] {
        self.line.get(self.start..).unwrap_or_default()
    }
}

/// Most digits of a chunk size: 16 hold any `u64`. More would be leading zeros.
const SIZE_DIGITS: u8 = 16;
/// Most bytes of the extensions of one chunk, in bytes: real ones (signatures) have about 100.
const EXTENSION_BYTES: u32 = 1 << 10;
/// Most bytes of all chunk extensions of one message, in bytes: they are dropped, so that they cost only us.
const EXTENSIONS_BYTES: u32 = 16 << 10;

/// Where in chunked content the next byte stands.
///
/// ```text
///  1f4;name=value CR LF  data…  CR LF   0 CR LF  Name: value CR LF   CR LF
///  ^Size   ^Extension ^SizeLf ^Data ^DataCr ^DataLf  ^Trailers
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailers,
}

/// What one step through chunked content found.
pub(crate) enum Step {
    /// A byte of framing.
    Framing,
    /// The last byte of framing.
    End,
}

/// The state between two bytes of chunked content.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chunks {
    at: At,
    /// In `Size`, the size so far; in `Data`, the bytes of this chunk still to come.
    left: u64,
    /// Digits of the size so far.
    digits: u8,
    /// Bytes of extensions of this chunk so far; never above [`EXTENSION_BYTES`].
    extension: u32,
    /// Bytes of extensions of all chunks so far; never above [`EXTENSIONS_BYTES`].
    extensions: u32,
    trailers: Section,
}

impl Chunks {
    /// Bytes of the current chunk's data that are still to come.
    pub(crate) const fn data(&self) -> u64 {
        match self.at {
            At::Data => self.left,
            _ => 0,
        }
    }

    /// Counts `len` bytes of data, at most what [`Self::data`] says.
    pub(crate) const fn take(&mut self, len: u64) {
        self.left = self.left.saturating_sub(len);
        if self.left == 0 {
            self.at = At::DataCr;
        }
    }

    /// Lets the trailer section have so many fields.
    pub(crate) fn limit_trailers(&mut self, fields: usize) {
        self.trailers.limit(fields);
    }

    /// Takes the next byte, which is not data.
    pub(crate) fn step(&mut self, byte: u8, trailers: &mut Trailers) -> Result<Step, Refusal> {
        self.at = match (self.at, byte) {
            (At::Size, _) => self.size(byte)?,
            (At::Extension, b'\r') => At::SizeLf,
            (At::Extension, _) => self.extension(byte)?,
            (At::SizeLf, b'\n') => self.size_end(),
            (At::SizeLf, _) if self.extension > 0 => return Err(Refusal::BadChunkExtension),
            (At::SizeLf, _) => return Err(Refusal::BadChunkSize),
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size,
            (At::Data | At::DataCr | At::DataLf, _) => return Err(Refusal::BadChunkEnd),
            (At::Trailers, _) if self.trailers.step(byte, trailers)? => return Ok(Step::End),
            (At::Trailers, _) => At::Trailers,
        };
        Ok(Step::Framing)
    }

    fn size(&mut self, byte: u8) -> Result<At, Refusal> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if self.digits > 0 => return Ok(At::SizeLf),
            b';' if self.digits > 0 => return self.extension(byte),
            _ => return Err(Refusal::BadChunkSize),
        };
        self.left = self.left << 4 | u64::from(digit);
        self.digits += 1;
        let fits = self.digits <= SIZE_DIGITS && self.left <= i64::MAX.cast_unsigned();
        if fits { Ok(At::Size) } else { Err(Refusal::BadChunkSize) }
    }

    fn extension(&mut self, byte: u8) -> Result<At, Refusal> {
        self.extension += 1;
        self.extensions += 1;
        if !bytes::is(byte, bytes::VALUE) {
            return Err(Refusal::BadChunkExtension);
        }
        let fits = self.extension <= EXTENSION_BYTES && self.extensions <= EXTENSIONS_BYTES;
        if fits { Ok(At::Extension) } else { Err(Refusal::ChunkExtensionsTooLarge) }
    }

    const fn size_end(&mut self) -> At {
        self.digits = 0;
        self.extension = 0;
        if self.left == 0 { At::Trailers } else { At::Data }
    }
}
