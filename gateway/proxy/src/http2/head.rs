//! Heads of one version in terms of the other.
//!
//! A head that comes in is written as one of HTTP/1.1 and parsed by the same codec, so that no rule has to be written twice;
//! one that goes out is taken from the text that would go to a connection of HTTP/1.1.

use bulkhead_http1::{Refusal, Trailers};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, COOKIE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, request};

/// Fields of a connection: they mean nothing here, and must not be sent (RFC 9113 §8.2.2).
const CONNECTION_FIELDS: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// Writes a request head to the end of `out`. `ends`: no content follows. `most` is how many fields there may be, each piece
/// of a cookie counted.
///
/// # Errors
/// What HTTP/1.1 could not say, or could be made to say in two ways.
pub(super) fn write_request(out: &mut Vec<u8>, head: &request::Parts, ends: bool, most: usize) -> Result<(), Refusal> {
    if head.headers.len() > most {
        return Err(Refusal::TooManyFields);
    }
    let authority = authority(head)?;
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    put(out, &[head.method.as_str().as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\nhost: ", authority, b"\r\n"]);
    for (name, value) in &head.headers {
        if name != HOST && name != COOKIE {
            put(out, &[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
    }
    put_cookie(out, &head.headers);
    if !ends && !head.headers.contains_key(CONTENT_LENGTH) {
        put(out, &[b"transfer-encoding: chunked\r\n"]);
    }
    put(out, &[b"\r\n"]);
    Ok(())
}

/// The one authority that a request names (RFC 9113 §8.3.1).
fn authority(head: &request::Parts) -> Result<&[u8], Refusal> {
    if !matches!(head.uri.scheme_str(), Some("http" | "https") | None) {
        return Err(Refusal::BadTarget);
    }
    let mut hosts = head.headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
    let (named, host) = (head.uri.authority().map(|authority| authority.as_str().as_bytes()), hosts.next());
    if hosts.next().is_some() {
        return Err(Refusal::DuplicateHost);
    }
    match (named, host) {
        (None, None) => Err(Refusal::MissingHost),
        (Some(named), Some(host)) if !named.eq_ignore_ascii_case(host) => Err(Refusal::TargetHostMismatch),
        (Some(one), _) | (None, Some(one)) => Ok(one),
    }
}

/// Writes the pieces of a cookie as one field (RFC 9113 §8.2.3).
fn put_cookie(out: &mut Vec<u8>, headers: &HeaderMap) {
    let mut before: &[u8] = b"cookie: ";
    for piece in headers.get_all(COOKIE) {
        put(out, &[before, piece.as_bytes()]);
        before = b"; ";
    }
    if before == b"; " {
        put(out, &[b"\r\n"]);
    }
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// A response head from the text of one of HTTP/1.1, which we wrote.
///
/// `None` if it is not one.
pub(super) fn response(text: &[u8]) -> Option<Response<()>> {
    let text = Bytes::copy_from_slice(text);
    let (line, fields) = parts(&text);
    let status = line.split(|&byte| byte == b' ').nth(1)?;
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_bytes(status).ok()?;
    *response.headers_mut() = fields;
    Some(response)
}

/// The first line of a head of HTTP/1.1 that we wrote, and its fields without those of a connection. Every value is a part
/// of `text`, and nothing is copied.
pub(crate) fn parts(text: &Bytes) -> (&[u8], HeaderMap) {
    let mut lines = text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next().unwrap_or_default();
    let mut fields = HeaderMap::with_capacity(USUAL_FIELDS);
    for line in lines {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let (name, value) = line.split_at_checked(colon).unwrap_or_default();
        if CONNECTION_FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes())) {
            continue;
        }
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let value = HeaderValue::from_maybe_shared(text.slice_ref(value));
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
            fields.append(name, value);
        }
    }
    (first, fields)
}

/// Room for what most heads have, so that the map of one grows at most once.
const USUAL_FIELDS: usize = 12;

/// Trailers as they leave.
pub(crate) fn trailer_map(trailers: &Trailers) -> HeaderMap {
    let parsed = trailers
        .iter()
        .filter_map(|(name, value)| Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?)));
    // A name may come twice: appended, not replaced.
    parsed.fold(HeaderMap::new(), |mut map, (name, value)| {
        map.append(name, value);
        map
    })
}

/// Of the trailers that came, those that may pass.
pub(crate) fn trailers(map: &HeaderMap, grpc: bool) -> Trailers {
    let mut trailers = Trailers::default();
    for (name, value) in map {
        trailers.push(name.as_str().as_bytes(), value.as_bytes(), grpc);
    }
    trailers
}
