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
    let has_control = |word| below(word, 0x20) | below(word ^ (ONES * 0x7f), 1);
    // A tab, which values may have, counts as a control character here.
    is_free_of(text, has_control) || all(text, VALUE)
}

/// Whether no byte would end a request target, or make two of one.
#[inline]
pub(crate) fn is_whole_in_target(text: &[u8]) -> bool {
    let ends = |word| below(word, 0x21) | below(word ^ (ONES * 0x7f), 1) | below(word ^ (ONES * b'#' as u64), 1);
    is_free_of(text, ends) || !text.iter().any(|&byte| ends_target(byte))
}

/// Whether the byte would end a request target, or make two of one: space, control characters, `#`.
pub(crate) const fn ends_target(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f || byte == b'#'
}

/// One in each byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Not 0 exactly if a byte of `word` is below `n`, for `n` up to 128: taking `n` from each byte borrows into its top bit
/// exactly if some byte without a top bit was below `n`.
#[inline]
const fn below(word: u64, n: u64) -> u64 {
    word.wrapping_sub(ONES * n) & !word & (ONES * 0x80)
}

/// How many bytes stand before the first colon, space or control character but DEL.
#[inline]
pub(crate) fn before_colon(text: &[u8]) -> usize {
    before(text, |word| below(word, 0x21) | below(word ^ (ONES * b':' as u64), 1))
}

/// How many bytes stand before the first space or control character.
#[inline]
pub(crate) fn before_blank(text: &[u8]) -> usize {
    before(text, |word| below(word, 0x21) | below(word ^ (ONES * 0x7f), 1))
}

/// How many bytes of a field value ([`VALUE`]) a text begins with.
#[inline]
pub(crate) fn value_bytes(text: &[u8]) -> usize {
    let before_control = |text| before(text, |word| below(word, 0x20) | below(word ^ (ONES * 0x7f), 1));
    let mut len = before_control(text);
    // The one control character that values may have.
    while let Some(b'\t') = text.get(len) {
        len += 1 + before_control(text.get(len + 1..).unwrap_or_default());
    }
    len
}

/// How many bytes stand before the first one that `test` finds, which it marks in the top bit of its place; what it marks in
/// places above need not be true.
#[inline]
fn before(text: &[u8], test: impl Fn(u64) -> u64) -> usize {
    let (words, rest) = text.as_chunks();
    for (nth, word) in words.iter().enumerate() {
        // The first byte is the lowest.
        let found = test(u64::from_le_bytes(*word));
        if found != 0 {
            return nth * size_of::<u64>() + found.trailing_zeros() as usize / 8;
        }
    }
    let in_rest = rest.iter().position(|&byte| test(ONES * u64::from(byte)) != 0).unwrap_or(rest.len());
    text.len() - rest.len() + in_rest
}

/// Whether `test` is 0 for every word of a text; `false` for one that is shorter than a word.
#[inline]
fn is_free_of(text: &[u8], test: impl Fn(u64) -> u64) -> bool {
    // The last word overlaps the one before, so that no bytes are left for a slower loop.
    let (words, _) = text.as_chunks();
    let free = |word: &[u8; 8]| test(u64::from_ne_bytes(*word)) == 0;
    text.last_chunk().is_some_and(free) && words.iter().all(free)
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
