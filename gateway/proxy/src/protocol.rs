//! Which version of HTTP is spoken on a connection under TLS.

use bulkhead_model::tls::TlsPolicy;

/// Whether HTTP/2 is spoken behind a handshake. What is not spoken is not offered, whatever a lane wants.
const SPEAKS_HTTP2: bool = true;

/// What is spoken behind a handshake, as the two sides have agreed in it (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// RFC 9112; also where the client has named no protocol.
    Http1,
    /// RFC 9113.
    Http2,
}

impl Protocol {
    /// As ALPN identifies it (RFC 7301 §6, RFC 9113 §3.2).
    pub(crate) const fn id(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    /// The protocol with this identifier. rustls agrees on none that was not offered.
    pub(crate) fn agreed(id: Option<&[u8]>) -> Self {
        if id == Some(Self::Http2.id()) { Self::Http2 } else { Self::Http1 }
    }

    /// What is offered, the better one first.
    pub(crate) const fn offered(policy: TlsPolicy) -> &'static [Self] {
        if SPEAKS_HTTP2 && policy.http2 { &[Self::Http2, Self::Http1] } else { &[Self::Http1] }
    }
}
