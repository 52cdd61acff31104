//! Which bytes may stand where: one table, one bit per place.

/// `tchar` of RFC 9110 §5.6.2: methods, field names, connection options.
pub(crate) const TOKEN: u8 = 1;
/// `uri-host [":" port]` of RFC 3986 §3.2 without the comma: as a list separator it would make one value two hosts.
pub(crate) const HOST: u8 = 2;
/// The path of a request target: `pchar` and `/` of RFC 3986 §3.3, square brackets (sent raw by browsers) and every
/// byte from 0x80 (the router decides on UTF-8).
pub(crate) const PATH: u8 = 4;
/// The query of a request target: as the path, and what browsers leave raw in a query (URL Standard, "query
/// percent-encode set").
pub(crate) const QUERY: u8 = 8;
/// A field value (RFC 9110 §5.5): tab, space, visible ASCII, and opaque bytes from 0x80.
pub(crate) const VALUE: u8 = 16;

static CLASSES: [u8; 256] = classes();

/// Whether `byte` may stand where `class` says.
#[inline]
pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

/// Whether every byte may stand where `class` says.
#[inline]
pub(crate) fn all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().all(|&byte| is(byte, class))
}

/// Whether the bytes are a field value ([`VALUE`]), eight at a time.
#[inline]
pub(crate) fn is_value(text: &[u8]) -> bool {
    // The last word overlaps the one before, so that no bytes are left for a slower loop.
    let (words, _) = text.as_chunks();
    let plain = text.last_chunk().is_some_and(is_plain_word) && words.iter().all(is_plain_word);
    plain || all(text, VALUE)
}

/// Whether no byte is a control character; a tab, which values may have, counts as one here.
#[inline]
fn is_plain_word(word: &[u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Taking n from each byte borrows into its top bit exactly if some byte without a top bit was below n.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & (ONES * 0x80);
    let word = u64::from_ne_bytes(*word);
    below(word, 0x20) | below(word ^ (ONES * 0x7f), 1) == 0
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler: an index out of range fails the build")]
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] = class(byte);
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

const fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => TOKEN | HOST | PATH | QUERY | VALUE,
        b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'*' | b'+' | b'%' => {
            TOKEN | HOST | PATH | QUERY | VALUE
        }
        b'(' | b')' | b';' | b'=' | b':' | b'[' | b']' => HOST | PATH | QUERY | VALUE,
        b',' | b'@' | b'/' => PATH | QUERY | VALUE,
        b'^' | b'`' | b'|' => TOKEN | QUERY | VALUE,
        b'?' | b'{' | b'}' | b'\\' => QUERY | VALUE,
        b'#' => TOKEN | VALUE,
        b'"' | b'<' | b'>' | b' ' | b'\t' => VALUE,
        0x80..=0xff => PATH | QUERY | VALUE,
        0..=0x1f | 0x7f => 0,
    }
}
