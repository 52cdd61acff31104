//! What is asked for: four kinds of requests, each with the listeners that take it.

use crate::load::Tool;

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// HTTP/1.1 over 64 connections that are kept, to all routes in turn.
    Http1,
    /// The same to one host, whose paths are regular expressions, each in turn.
    Expressions,
    /// HTTP/2 in clear text over 8 connections with 32 requests each in flight, to the routes of one host.
    Http2,
    /// A new connection with a full handshake of TLS 1.3 for every request of HTTP/1.1, 64 at a time. No peer may resume a session.
    Handshakes,
}

impl Traffic {
    /// What nginx says behind the address that it listens on.
    pub(crate) const fn nginx(self) -> &'static str {
        match self {
            Self::Http1 | Self::Expressions => "",
            Self::Http2 => " http2",
            Self::Handshakes => " ssl",
        }
    }

    /// What haproxy says behind the address that it listens on, with the file of its certificate and key.
    pub(crate) fn haproxy(self, certificate: &str) -> String {
        match self {
            Self::Http1 | Self::Expressions => String::new(),
            Self::Http2 => " proto h2".to_owned(),
            Self::Handshakes => format!(" ssl crt {certificate} alpn http/1.1 no-tls-tickets"),
        }
    }

    /// The gateway's flag for the address.
    pub(crate) const fn flag(self) -> &'static str {
        match self {
            Self::Http1 | Self::Expressions | Self::Http2 => "--http",
            Self::Handshakes => "--https",
        }
    }

    pub(crate) const fn tool(self) -> Tool {
        match self {
            Self::Http1 | Self::Expressions | Self::Handshakes => Tool::Wrk,
            Self::Http2 => Tool::H2load,
        }
    }

    /// Where `port` is asked. A certificate is chosen by a name, never by an address.
    pub(crate) fn url(self, port: u16) -> String {
        match self {
            Self::Http1 | Self::Expressions | Self::Http2 => format!("http://127.0.0.1:{port}"),
            Self::Handshakes => format!("https://localhost:{port}"),
        }
    }
}
