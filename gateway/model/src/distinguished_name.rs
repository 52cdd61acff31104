//! Distinguished names as text (RFC 2253), in the way that nginx tells them to backends: the last name first, only
//! printable ASCII, so that none can break out of a field or mean something else to another reader.

use std::fmt::Write;

use crate::der::{Element, Elements, OBJECT_IDENTIFIER, SEQUENCE, SET};

/// Attribute types by the content of their object identifier, with the short names that OpenSSL gives them.
const KNOWN: [(&[u8], &str); 18] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 17], "postalCode"),
    (&[0x55, 4, 42], "GN"),
    (&[0x55, 4, 43], "initials"),
    (&[0x55, 4, 46], "dnQualifier"),
    (&[0x55, 4, 65], "pseudonym"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
];

/// String types whose octets are ASCII or UTF-8: UTF8String, NumericString, PrintableString, IA5String, VisibleString. T61String is
/// taken for one as well, since nobody uses more of it.
const OCTETS: [u8; 6] = [0x0c, 0x12, 0x13, 0x14, 0x16, 0x1a];
/// BMPString: UTF-16, big-endian.
const BMP: u8 = 0x1e;

/// The names in the content of a DER `RDNSequence`; `None` if that is none, or if its text is longer than `most` bytes.
#[must_use]
pub fn text(names: &[u8], most: usize) -> Option<String> {
    let mut sets = Vec::new();
    let mut elements = Elements::new(names);
    while !elements.is_empty() {
        sets.push(elements.take(SET)?);
    }
    let mut text = String::new();
    for (n, set) in sets.into_iter().rev().enumerate() {
        let mut pairs = Elements::new(set);
        let mut separator = if n == 0 { "" } else { "," };
        while !pairs.is_empty() {
            let mut pair = Elements::new(pairs.take(SEQUENCE)?);
            text.push_str(separator);
            put_pair(&mut text, pair.take(OBJECT_IDENTIFIER)?, pair.next()?);
            separator = "+";
            if text.len() > most {
                return None;
            }
        }
    }
    Some(text)
}

fn put_pair(text: &mut String, kind: &[u8], value: Element<'_>) {
    let known = KNOWN.iter().find(|(oid, _)| *oid == kind);
    match known {
        Some((_, name)) => text.push_str(name),
        None => put_oid(text, kind),
    }
    text.push('=');
    match (known, value.tag) {
        (Some(_), tag) if OCTETS.contains(&tag) => put_value(text, value.content),
        (Some(_), BMP) => put_value(text, utf_16(value.content).as_bytes()),
        // Of a type that is not known, or no text: the DER itself.
        _ => {
            text.push('#');
            value.whole.iter().for_each(|octet| put_hex(text, *octet));
        }
    }
}

fn utf_16(octets: &[u8]) -> String {
    let (units, _) = octets.as_chunks::<2>();
    char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit)))
        .map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Escapes what separates names, what is not printable, and what is not ASCII.
fn put_value(text: &mut String, value: &[u8]) {
    for (at, octet) in value.iter().enumerate() {
        let is_edge = at == 0 || at + 1 == value.len();
        match octet {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => text.extend(['\\', char::from(*octet)]),
            b'#' if at == 0 => text.push_str("\\#"),
            b' ' if is_edge => text.push_str("\\ "),
            b' '..=b'~' => text.push(char::from(*octet)),
            _ => {
                text.push('\\');
                put_hex(text, *octet);
            }
        }
    }
}

fn put_hex(text: &mut String, octet: u8) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{octet:02X}");
}

/// The dotted form (X.690 §8.19).
fn put_oid(text: &mut String, kind: &[u8]) {
    let (mut arc, mut is_first) = (0_u64, true);
    for octet in kind {
        arc = arc << 7 | u64::from(octet & 0x7f);
        if octet & 0x80 != 0 {
            continue;
        }
        let _ = if std::mem::take(&mut is_first) {
            let root = (arc / 40).min(2);
            write!(text, "{root}.{}", arc - root * 40)
        } else {
            write!(text, ".{arc}")
        };
        arc = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    fn pair(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        element(SEQUENCE, &[element(OBJECT_IDENTIFIER, oid), element(tag, value)].concat())
    }

    const CN: &[u8] = &[0x55, 4, 3];
    const O: &[u8] = &[0x55, 4, 10];
    const UTF_8: u8 = 0x0c;

    #[test]
    fn the_last_name_comes_first_and_nothing_in_a_value_separates() {
        let one = |tag, value: &[u8]| element(SET, &pair(CN, tag, value));
        for (names, expected) in [
            (vec![], ""),
            (vec![element(SET, &pair(O, UTF_8, b"Mill")), one(UTF_8, b"alice")], "CN=alice,O=Mill"),
            (vec![element(SET, &[pair(CN, UTF_8, b"a"), pair(O, UTF_8, b"b")].concat())], "CN=a+O=b"),
            (vec![one(UTF_8, b"a,O=b+c\"\\<>;=")], "CN=a\\,O=b\\+c\\\"\\\\\\<\\>\\;="),
            (vec![one(UTF_8, b" # ")], "CN=\\ #\\ "),
            (vec![one(UTF_8, b"#1")], "CN=\\#1"),
            (vec![one(UTF_8, b"a\r\nSsl-Client-Verify: SUCCESS\0")], "CN=a\\0D\\0ASsl-Client-Verify: SUCCESS\\00"),
            (vec![one(UTF_8, "é".as_bytes())], "CN=\\C3\\A9"),
            (vec![one(BMP, &[0, b'a', 0, 0xe9])], "CN=a\\C3\\A9"),
            (vec![one(0x04, b"x")], "CN=#040178"),
            (vec![element(SET, &pair(&[0x2a, 0x86, 0x48, 1], UTF_8, b"x"))], "1.2.840.1=#0C0178"),
        ] {
            assert_eq!(text(&names.concat(), 1000).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_no_name_or_too_long_has_no_text() {
        let long = element(SET, &pair(CN, UTF_8, &[b'a'; 100]));
        assert_eq!(text(&long, 50), None);
        assert!(text(&long, 103).is_some());
        for names in [&b"x"[..], b"\x31\x05", b"\x30\x00", b"\x31\x02\x30\x00"] {
            assert_eq!(text(names, 1000), None, "{names:?}");
        }
    }

    proptest! {
        /// Whatever a certificate holds, its text is printable ASCII.
        #[test]
        fn a_text_cannot_leave_its_field(tag in any::<u8>(), value in proptest::collection::vec(any::<u8>(), 0..60)) {
            let names = element(SET, &pair(CN, tag, &value));
            if let Some(text) = text(&names, 1000) {
                prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", text);
            }
        }
    }
}
