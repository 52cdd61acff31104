//! A request that the gateway makes by itself, without content.

use crate::write::{put_line, put_target};
use crate::{Method, Overlay};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct OwnRequest<'r> {
    /// The method, and the bytes that it is written with.
    pub method: (Method, &'r [u8]),
    /// Pieces of a canonical target, the first of which begins with `/`.
    pub target: &'r [&'r [u8]],
    /// Value of Host.
    pub host: &'r [u8],
    /// Further fields.
    pub fields: &'r Overlay,
}

/// Writes the whole head to the end of `out`. It says that there is no content where the method would make a recipient wait for it
/// (RFC 9110 §8.6).
pub fn write_own_request(out: &mut Vec<u8>, request: &OwnRequest<'_>) {
    let OwnRequest { method: (method, word), target, host, fields } = *request;
    out.extend_from_slice(word);
    out.push(b' ');
    if target.iter().find_map(|piece| piece.first()) != Some(&b'/') {
        out.push(b'/');
    }
    for piece in target {
        put_target(out, piece);
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    put_line(out, b"Host", host);
    out.extend_from_slice(fields.as_bytes());
    if !method.is_safe() {
        out.extend_from_slice(b"Content-Length: 0\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_our_own_is_one_head_whatever_its_parts_are() {
        let (mut out, mut fields) = (Vec::new(), Overlay::default());
        fields.append("X-Format", b"text/html");
        fields.append("X-Original-URI", b"/a\r\nEvil: 1");
        let request = OwnRequest {
            method: (Method::Get, b"GET"),
            target: &[b"", b"/a b", b"?", b"q=#\r\n"],
            host: b"a.test",
            fields: &fields,
        };
        write_own_request(&mut out, &request);
        assert_eq!(out, b"GET /a%20b?q=%23%0D%0A HTTP/1.1\r\nHost: a.test\r\nX-Format: text/html\r\n\r\n");
        out.clear();
        write_own_request(
            &mut out,
            &OwnRequest { method: (Method::Post, b"POST"), target: &[b"//evil.test"], ..request },
        );
        assert!(out.starts_with(b"POST //evil.test HTTP/1.1\r\n") && out.ends_with(b"\r\nContent-Length: 0\r\n\r\n"));
        out.clear();
        write_own_request(&mut out, &OwnRequest { target: &[b"evil.test:80"], ..request });
        assert!(out.starts_with(b"GET /evil.test:80 HTTP/1.1\r\n"));
    }
}
