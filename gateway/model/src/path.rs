//! Canonical paths: the one function that router, access control, log, rewrite and upstream all use.

use std::borrow::Cow;

use crate::class::{Class, run_end};
use crate::denial::Denial;

/// A canonical request target in origin form. What is matched is what is forwarded.
///
/// Duplicate slashes are kept, in matching as in forwarding: `//admin` is a path whose first element is empty, it
/// is not `/admin`, and it is never an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Starts with `/`; no dot segments, only needed percent-encodings, upper-case hex, ASCII.
    pub path: Cow<'a, [u8]>,
    /// Without the `?`; UTF-8 that is checked, never changed.
    pub query: Option<&'a [u8]>,
    /// Whether the path has escaped slashes or backslashes.
    pub(crate) escapes: bool,
}

impl<'a> Target<'a> {
    /// Makes an origin-form target (RFC 9112 §3.2.1) canonical. Idempotent. A path that is canonical already is borrowed.
    ///
    /// In the path, percent-encoded unreserved characters are decoded and what must be encoded is encoded (RFC 3986
    /// §6.2.2), then dot segments are removed (§5.2.4). Refused, because readers behind us could take it otherwise:
    /// a backslash, control characters in any form, overlong UTF-8, a `%` without two hex digits, a fragment,
    /// characters that no URI has, dot segments with parameters (`/..;x/`), dot segments that climb above the root or
    /// over an empty segment.
    ///
    /// An escaped slash or backslash stays escaped: it is a part of a name (RFC 3986 §2.2). Refused are those that make
    /// a dot segment for who takes them for separators, and those over which a dot segment climbs. What else they could
    /// mean depends on the routes: [`HostTable::route`](crate::HostTable::route) judges [`Self::separated`].
    ///
    /// # Errors
    /// [`Denial::BadPath`] where two readers could differ about what is meant.
    pub fn parse(target: &'a [u8]) -> Result<Self, Denial> {
        let scan = Scan::of(target);
        let (path, rest) = target.split_at_checked(scan.end).ok_or(Denial::BadPath)?;
        if path.first() != Some(&b'/') {
            return Err(Denial::BadPath);
        }
        let (path, escapes) = if scan.canonical {
            (Cow::Borrowed(path), false)
        } else {
            let (path, escapes) = canonical(path)?;
            (Cow::Owned(path.into_bytes()), escapes)
        };
        Ok(Self { path, query: parse_query(rest)?, escapes })
    }

    /// The same target with a path that has been made canonical: what a rewrite has made of it.
    #[must_use]
    pub fn with_path(self, path: Vec<u8>) -> Self {
        Self { path: Cow::Owned(path), ..self }
    }

    /// The path as those read it who take every escaped slash and backslash for a slash: canonical as well. `None`: there
    /// are none, so everybody reads the path itself.
    #[must_use]
    pub fn separated(&self) -> Option<Vec<u8>> {
        self.escapes.then(|| separated(&self.path))
    }
}

/// What one look at the bytes tells.
struct Scan {
    /// Where the path ends: at `?`, `#`, or the end.
    end: usize,
    /// Nothing in the path needs a second look.
    canonical: bool,
}

impl Scan {
    fn of(target: &[u8]) -> Self {
        let (mut end, mut canonical) = (run_end(target, 0, &PLAIN), true);
        while let Some(byte) = target.get(end) {
            match byte {
                b'?' | b'#' => break,
                // A segment that starts with a dot may be a dot segment; that is for the slower look to decide.
                b'.' if end > 0 && target.get(end - 1) != Some(&b'/') => {}
                _ => canonical = false,
            }
            end = run_end(target, end + 1, &PLAIN);
        }
        Self { end, canonical }
    }
}

/// The bytes that [stand for themselves](stands_for_itself) wherever they are.
static PLAIN: Class = plain();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler: an index out of range fails the build")]
const fn plain() -> Class {
    let mut class = [false; 256];
    let mut byte = 0;
    while byte < u8::MAX {
        class[byte as usize] = stands_for_itself(byte) && byte != b'.';
        byte += 1;
    }
    class
}

/// `pchar` of RFC 3986 §3.3 without percent-encoding, and the slash.
const fn stands_for_itself(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'/' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
        )
}

/// RFC 3986 §2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The canonical path, and whether it has escaped slashes or backslashes.
fn canonical(path: &[u8]) -> Result<(String, bool), Denial> {
    let path = std::str::from_utf8(path).map_err(|_| Denial::BadPath)?;
    let (mut out, mut escapes) = (String::with_capacity(path.len() + 16), false);
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let start = out.len();
        out.push('/');
        let escaped = push_segment(&mut out, segment.as_bytes())?;
        let written = out.get(start + 1..).unwrap_or_default();
        if escaped && has_dot_segments(written) {
            return Err(Denial::BadPath);
        }
        escapes |= escaped;
        let dots = dot_segment(written)?;
        if dots > 0 {
            out.truncate(start);
        }
        if dots == 2 {
            let (above, parent) = out.rsplit_once('/').ok_or(Denial::BadPath)?;
            if parent.is_empty() || parent.contains(SLASH) || parent.contains(BACKSLASH) {
                return Err(Denial::BadPath);
            }
            out.truncate(above.len());
        }
        if dots > 0 && segments.peek().is_none() {
            out.push('/');
        }
    }
    Ok((out, escapes))
}

/// An escaped slash as it stands in a canonical path.
const SLASH: &str = "%2F";

/// An escaped backslash as it stands in a canonical path.
const BACKSLASH: &str = "%5C";

/// Whether a segment has, or could be taken to have, dot segments between its escaped slashes.
fn has_dot_segments(segment: &str) -> bool {
    let mut parts = segment.split(SLASH).flat_map(|part| part.split(BACKSLASH));
    parts.any(|part| dot_segment(part) != Ok(0))
}

fn separated(path: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(path.len()), path);
    loop {
        rest = match rest {
            [b'%', b'2', b'F', rest @ ..] | [b'%', b'5', b'C', rest @ ..] => {
                out.push(b'/');
                rest
            }
            [byte, rest @ ..] => {
                out.push(*byte);
                rest
            }
            [] => return out,
        };
    }
}

/// How many dots a segment of nothing but dots has: 1, 2, or 0 if it is no dot segment.
fn dot_segment(segment: &str) -> Result<u8, Denial> {
    // Some servers cut parameters off before they look for dots, and some decode the semicolon first.
    let end = |mark| segment.find(mark).unwrap_or(segment.len());
    let name = segment.get(..end(";").min(end("%3B"))).unwrap_or_default();
    match (name, name.len() == segment.len()) {
        (".", true) => Ok(1),
        ("..", true) => Ok(2),
        ("." | "..", false) => Err(Denial::BadPath),
        _ => Ok(0),
    }
}

/// Appends a segment, canonical. Tells whether slashes or backslashes are escaped in it.
fn push_segment(out: &mut String, segment: &[u8]) -> Result<bool, Denial> {
    let (mut rest, mut before, mut escapes) = (segment, 0, false);
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let meant = match byte {
            b'%' => {
                let (value, tail) = decode(tail)?;
                rest = tail;
                value
            }
            b if stands_for_itself(b) || b >= 0x80 || b == b'[' || b == b']' => b,
            _ => return Err(Denial::BadPath),
        };
        if meant.is_ascii_control() || is_overlong(before, meant) {
            return Err(Denial::BadPath);
        }
        escapes |= matches!(meant, b'/' | b'\\');
        if is_unreserved(meant) || (byte != b'%' && stands_for_itself(byte)) {
            out.push(char::from(meant));
        } else {
            push_encoded(out, meant);
        }
        before = meant;
    }
    Ok(escapes)
}

/// Whether two bytes start a UTF-8 sequence that is longer than it need be (Unicode 16 §3.9, table 3-7; the forms of
/// five and six bytes of RFC 2279 as well): the old way to hide a dot or a slash. Some decoders take any byte for the
/// second one of two, which makes a dot of a dot, and a slash of a slash.
const fn is_overlong(first: u8, second: u8) -> bool {
    matches!(
        (first, second),
        (0xC0 | 0xC1, 0x80..=0xBF)
            | (0xC0, b'.' | b'/')
            | (0xC1, b'\\')
            | (0xE0, 0x80..=0x9F)
            | (0xF0, 0x80..=0x8F)
            | (0xF8, 0x80..=0x87)
            | (0xFC, 0x80..=0x83)
    )
}

fn decode(hex: &[u8]) -> Result<(u8, &[u8]), Denial> {
    match hex {
        [high, low, rest @ ..] => Ok((digit(*high)? << 4 | digit(*low)?, rest)),
        _ => Err(Denial::BadPath),
    }
}

const fn digit(hex: u8) -> Result<u8, Denial> {
    match hex {
        b'0'..=b'9' => Ok(hex - b'0'),
        b'a'..=b'f' => Ok(hex - b'a' + 10),
        b'A'..=b'F' => Ok(hex - b'A' + 10),
        _ => Err(Denial::BadPath),
    }
}

fn push_encoded(out: &mut String, byte: u8) {
    const fn hex(nibble: u8) -> char {
        (if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 }) as char
    }
    out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
}

/// `rest` is empty or starts at the `?` or `#`. Nobody routes by the query, so its bytes stay as they are; only what could
/// end the request line or the target early is refused, and what is no UTF-8.
fn parse_query(rest: &[u8]) -> Result<Option<&[u8]>, Denial> {
    if rest.is_empty() {
        return Ok(None);
    }
    let query = rest.strip_prefix(b"?").ok_or(Denial::BadPath)?;
    // No early exit: without one, many bytes are looked at together.
    let refused = query.iter().fold(false, |bad, &b| bad | (b <= b' ') | (b == 0x7F) | (b == b'#'));
    let is_text = query.is_ascii() || std::str::from_utf8(query).is_ok();
    if refused || !is_text { Err(Denial::BadPath) } else { Ok(Some(query)) }
}

#[cfg(test)]
mod tests;
