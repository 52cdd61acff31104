//! The codec as its callers see it: tables of bytes and decisions, and laws that hold for all bytes.

mod chunks;
mod laws;
mod names;
mod refused;
mod requests;
mod responses;
mod tokens;
mod trailers;
mod writing;

use crate::{HeadLimits, Progress, Refusal, RequestHead, ResponseHead, parse_request, parse_response};

/// The head of these bytes, which must be complete and end with them.
fn request(bytes: &[u8]) -> Result<RequestHead, Refusal> {
    let mut head = RequestHead::default();
    let progress = parse_request(bytes, &HeadLimits::default(), &mut head)?;
    assert_eq!(progress, Progress::Complete(bytes.len()), "{}", bytes.escape_ascii());
    Ok(head)
}

/// The head of these bytes, which must be complete and end with them.
fn response(bytes: &[u8], to_head_request: bool) -> Result<ResponseHead, Refusal> {
    let mut head = ResponseHead::default();
    let progress = parse_response(bytes, &HeadLimits::default(), to_head_request, &mut head)?;
    assert_eq!(progress, Progress::Complete(bytes.len()), "{}", bytes.escape_ascii());
    Ok(head)
}

/// A GET for `/` with these field lines (each with its line end) after Host.
fn get(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n").into_bytes()
}

/// The names that may be written onward, as they were spelled.
fn forwarded<'b>(buf: &'b [u8], fields: &[crate::Field]) -> Vec<&'b str> {
    let onward = fields.iter().filter(|field| field.forward);
    onward.map(|field| std::str::from_utf8(field.name.of(buf)).unwrap()).collect()
}
