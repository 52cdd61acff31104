//! A request on its way to a backend: its head as a header list (RFC 9113 §8.3.1), its content as DATA frames.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Waker};

use bulkhead_http1::Refusal;
use bulkhead_model::Denial;
use bytes::Bytes;
use h2::SendStream;
use http::header::{HOST, HeaderValue, TE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri, Version};
use tokio::time::timeout;

use crate::content::{self, Piece};
use crate::deadline::Waiting;
use crate::fault::Fault;
use crate::http2::head::{parts, trailer_map};
use crate::http2::{Boundless, LAST_WORD, Sending, poll_room};
use crate::transfer::Patience;

/// The header list for a request head as it would go to a backend of HTTP/1.1, which is our own and well-formed.
///
/// # Errors
/// A target that cannot be told in HTTP/2.
pub(super) fn translate(head: &[u8], secure: bool) -> Result<Request<()>, Fault> {
    let text = Bytes::copy_from_slice(head);
    let (line, mut fields) = parts(&text);
    let mut words = line.split(|&byte| byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method).map_err(|_| Fault::Refused(Refusal::BadRequestLine))?;
    *request.version_mut() = Version::HTTP_2;
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(if secure { Scheme::HTTPS } else { Scheme::HTTP });
    uri.path_and_query = Some(PathAndQuery::try_from(target).map_err(|_| Fault::Denied(Denial::BadPath))?);
    let host = fields.remove(HOST).ok_or(Fault::Denied(Denial::BadHost))?;
    uri.authority = Some(Authority::try_from(host.as_bytes()).map_err(|_| Fault::Denied(Denial::BadHost))?);
    // Whatever comes behind content can be taken here, and gRPC asks to be told so.
    fields.insert(TE, HeaderValue::from_static("trailers"));
    *request.headers_mut() = fields;
    *request.uri_mut() = Uri::from_parts(uri).map_err(|_| Fault::Denied(Denial::BadHost))?;
    Ok(request)
}

/// Where the content of one request goes.
pub(crate) struct Sink {
    stream: SendStream<Bytes>,
    /// The first piece went with the head.
    first_sent: bool,
    /// All of the request has been handed over.
    ended: bool,
}

impl Sink {
    /// `ended`: there is no content.
    pub(super) fn new(stream: SendStream<Bytes>, ended: bool) -> Self {
        Self { stream, first_sent: false, ended }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the backend has ended the request, or the connection has.
    pub(super) fn is_broken(&mut self) -> bool {
        self.stream.poll_reset(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// Hands over the first piece, whether there is room for it or not.
    pub(super) fn put(&mut self, piece: Piece<'_>) -> Result<(), h2::Error> {
        self.ended = piece.last;
        let ends = piece.last && piece.trailers.is_none();
        if ends || !piece.content.is_empty() {
            self.stream.send_data(Bytes::copy_from_slice(piece.content), ends)?;
        }
        match piece.trailers {
            Some(trailers) if piece.last => self.stream.send_trailers(trailer_map(trailers)),
            _ => Ok(()),
        }
    }
}

impl content::Sink for Sink {
    /// Frames of HTTP/2 end where they end.
    fn frame(&mut self, _chunked: bool) {}

    async fn ready(&mut self, patience: Patience<'_>) -> io::Result<usize> {
        let mut told = false;
        let room = poll_fn(|cx| poll_room(&mut self.stream, &Boundless, cx, &mut told, (patience, Waiting::Send)));
        timeout(LAST_WORD, room).await.unwrap_or(Ok(0))
    }

    /// Heads have been sent, as header lists, and with them the first piece.
    async fn send(&mut self, patience: Patience<'_>, _head: &[u8], piece: Piece<'_>) -> io::Result<()> {
        if !std::mem::replace(&mut self.first_sent, true) {
            return Ok(());
        }
        let mut sending = Sending::new(piece.content, piece.last && piece.trailers.is_none(), Waiting::Send);
        poll_fn(|cx| sending.poll(&mut self.stream, &Boundless, cx, patience)).await?;
        self.ended = piece.last;
        match piece.trailers {
            Some(trailers) if piece.last => self.stream.send_trailers(trailer_map(trailers)).map_err(io::Error::other),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_told_in_the_words_of_http2() {
        let head = b"POST /a%20b?q=1 HTTP/1.1\r\nHost: a.test:8080\r\nCookie: a=1\r\nCookie: b=2\r\nX-Odd: \xff\t \r\nConnection: x\r\nTransfer-Encoding: chunked\r\nTE: gzip\r\n\r\n";
        let request = translate(head, true).unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "https://a.test:8080/a%20b?q=1");
        let fields: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(fields, [("te", &b"trailers"[..]), ("cookie", b"a=1"), ("cookie", b"b=2"), ("x-odd", b"\xff")]);
        assert_eq!(translate(b"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", false).unwrap().uri(), "http://[::1]/");
    }

    #[test]
    fn a_target_that_http2_cannot_tell_is_refused() {
        for (head, fault) in [
            (&b"GET /a#b HTTP/1.1\r\nHost: a.test\r\n\r\n"[..], Fault::Denied(Denial::BadPath)),
            (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Fault::Denied(Denial::BadHost)),
            (b"GET / HTTP/1.1\r\n\r\n", Fault::Denied(Denial::BadHost)),
        ] {
            match translate(head, false) {
                // A fragment is cut by the parser, never sent.
                Ok(request) => assert_eq!(request.uri().path(), "/a"),
                Err(found) => assert_eq!(found, fault),
            }
        }
    }
}
