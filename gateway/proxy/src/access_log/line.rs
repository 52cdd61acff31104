//! One line of the access log.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bulkhead_model::access_log::Format;

use crate::clock;

/// What is said about a request. Texts are as they came: they are escaped when they are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'l> {
    pub(crate) format: Format,
    pub(crate) client: Option<IpAddr>,
    pub(crate) method: &'l [u8],
    /// Path and query as the client sent them.
    pub(crate) uri: &'l [u8],
    pub(crate) version: &'static str,
    pub(crate) host: &'l [u8],
    pub(crate) referer: &'l [u8],
    pub(crate) agent: &'l [u8],
    pub(crate) request_id: &'l [u8],
    /// `namespace/name` of the Ingress; empty: none was found.
    pub(crate) ingress: &'l [u8],
    /// `namespace/service:port`; empty: none was chosen.
    pub(crate) service: &'l [u8],
    /// The endpoint that was asked last, and for how long.
    pub(crate) upstream: Option<(SocketAddr, Duration)>,
    /// Bytes of the head, and of content whose length it says.
    pub(crate) request_bytes: u64,
    /// 0: no response was begun.
    pub(crate) status: u16,
    /// Bytes of content that were sent.
    pub(crate) sent: u64,
    pub(crate) took: Duration,
    /// Why it did not end as it was meant to, in the word of the metrics.
    pub(crate) error: &'static str,
}

/// One second as both formats write it.
#[derive(Debug, Default)]
pub(crate) struct Written {
    second: u64,
    rfc3339: String,
    common: String,
    millis: u32,
}

impl Written {
    /// The same at another time after 1970.
    pub(crate) fn at(&mut self, now: Duration) -> &Self {
        if self.second != now.as_secs() || self.rfc3339.is_empty() {
            (self.second, self.rfc3339, self.common) =
                (now.as_secs(), clock::rfc3339(now.as_secs()), clock::common(now.as_secs()));
        }
        self.millis = now.subsec_millis();
        self
    }
}

impl Line<'_> {
    /// Writes the line with its end.
    pub(crate) fn write(&self, out: &mut Vec<u8>, clock: &Written) {
        // A vector takes any text.
        let _ = match self.format {
            Format::Off => Ok(()),
            Format::Json => self.json(out, clock),
            Format::IngressNginx => self.ingress_nginx(out, clock),
        };
    }

    fn json(&self, out: &mut Vec<u8>, clock: &Written) -> std::io::Result<()> {
        write!(out, "{{\"time\":\"{}.{:03}Z\"", clock.rfc3339, clock.millis)?;
        if let Some(client) = self.client {
            write!(out, ",\"remoteAddr\":\"{client}\"")?;
        }
        for (name, text) in [
            ("method", self.method),
            ("host", self.host),
            ("uri", self.uri),
            ("protocol", self.version.as_bytes()),
            ("referer", self.referer),
            ("userAgent", self.agent),
            ("requestId", self.request_id),
            ("ingress", self.ingress),
            ("service", self.service),
            ("error", self.error.as_bytes()),
        ] {
            if !text.is_empty() {
                write!(out, ",\"{name}\":\"")?;
                escape_json(out, text);
                out.push(b'"');
            }
        }
        let (status, request, sent) = (self.status, self.request_bytes, self.sent);
        write!(out, ",\"status\":{status},\"requestBytes\":{request},\"responseBytes\":{sent}")?;
        write!(out, ",\"duration\":{}", Seconds(self.took))?;
        if let Some((address, took)) = self.upstream {
            write!(out, ",\"upstream\":\"{address}\",\"upstreamDuration\":{}", Seconds(took))?;
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }

    /// The default of ingress-nginx, `log-format-upstream`. Who the client says that it is is not written: it is a header's value.
    fn ingress_nginx(&self, out: &mut Vec<u8>, clock: &Written) -> std::io::Result<()> {
        match self.client {
            Some(client) => write!(out, "{client}")?,
            None => out.push(b'-'),
        }
        write!(out, " - - [{}] \"", clock.common)?;
        escape_nginx(out, self.method);
        out.push(b' ');
        escape_nginx(out, self.uri);
        write!(out, " {}\" {:03} {} \"", self.version, self.status, self.sent)?;
        or_dash(out, self.referer);
        out.extend_from_slice(b"\" \"");
        or_dash(out, self.agent);
        write!(out, "\" {} {} [", self.request_bytes, Seconds(self.took))?;
        for byte in self.service {
            out.push(if matches!(byte, b'/' | b':') { b'-' } else { *byte });
        }
        match self.upstream {
            Some((address, took)) => {
                write!(out, "] [] {address} {} {} {:03} ", self.sent, Seconds(took), self.status)?;
            }
            None => out.extend_from_slice(b"] [] - - - - "),
        }
        or_dash(out, self.request_id);
        out.push(b'\n');
        Ok(())
    }
}

/// Seconds with three decimals.
struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0.as_secs(), self.0.subsec_millis())
    }
}

fn or_dash(out: &mut Vec<u8>, text: &[u8]) {
    if text.is_empty() { out.push(b'-') } else { escape_nginx(out, text) }
}

/// Whether a byte stands for itself in both formats.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..0x7f) && byte != b'"' && byte != b'\\'
}

/// As nginx does: `\xHH` for what could end the text or the line, and for what is not ASCII.
fn escape_nginx(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        if is_plain(*byte) {
            out.push(*byte);
        } else {
            let _ = write!(out, "\\x{byte:02X}");
        }
    }
}

/// A JSON string's inside (RFC 8259 §7). Bytes that are no UTF-8 are written as the characters of their numbers.
fn escape_json(out: &mut Vec<u8>, text: &[u8]) {
    if text.iter().copied().all(is_plain) {
        return out.extend_from_slice(text);
    }
    let mut put = |character: char| {
        let _ = match character {
            '"' | '\\' => write!(out, "\\{character}"),
            plain if plain.is_control() || matches!(plain, '\u{2028}' | '\u{2029}') => {
                write!(out, "\\u{:04x}", u32::from(plain))
            }
            plain => write!(out, "{plain}"),
        };
    };
    match std::str::from_utf8(text) {
        Ok(text) => text.chars().for_each(put),
        Err(_) => text.iter().for_each(|byte| put(char::from(*byte))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Line<'static> = Line {
        format: Format::Json,
        client: Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7))),
        method: b"GET",
        uri: b"/a?b=c",
        version: "HTTP/1.1",
        host: b"a.test",
        referer: b"",
        agent: b"curl/8",
        request_id: b"7",
        ingress: b"mill/a",
        service: b"mill/flour:80",
        upstream: Some((
            SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9)), 8080),
            Duration::from_millis(12),
        )),
        request_bytes: 71,
        status: 200,
        sent: 5,
        took: Duration::from_millis(1_013),
        error: "",
    };

    fn write(line: &Line<'_>) -> String {
        let (mut out, mut clock) = (Vec::new(), Written::default());
        line.write(&mut out, clock.at(Duration::from_millis(1_709_251_199_042)));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn both_formats_say_what_happened() {
        assert_eq!(
            write(&PLAIN),
            "{\"time\":\"2024-02-29T23:59:59.042Z\",\"remoteAddr\":\"192.0.2.7\",\"method\":\"GET\",\"host\":\"a.test\",\
             \"uri\":\"/a?b=c\",\"protocol\":\"HTTP/1.1\",\"userAgent\":\"curl/8\",\"requestId\":\"7\",\"ingress\":\"mill/a\",\
             \"service\":\"mill/flour:80\",\"status\":200,\"requestBytes\":71,\"responseBytes\":5,\"duration\":1.013,\
             \"upstream\":\"10.0.0.9:8080\",\"upstreamDuration\":0.012}\n"
        );
        assert_eq!(
            write(&Line { format: Format::IngressNginx, ..PLAIN }),
            "192.0.2.7 - - [29/Feb/2024:23:59:59 +0000] \"GET /a?b=c HTTP/1.1\" 200 5 \"-\" \"curl/8\" 71 1.013 \
             [mill-flour-80] [] 10.0.0.9:8080 5 0.012 200 7\n"
        );
        let refused = Line { upstream: None, service: b"", request_id: b"", status: 404, error: "no_route", ..PLAIN };
        assert!(write(&refused).contains("\"error\":\"no_route\",\"status\":404,"));
        let line = write(&Line { format: Format::IngressNginx, ..refused });
        assert!(line.ends_with(" 71 1.013 [] [] - - - - -\n"), "{line}");
    }

    proptest! {
        /// Whatever a client writes stays inside its own text of its own line.
        #[test]
        fn no_text_breaks_out_of_its_line(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let line = Line { uri: &text, agent: &text, host: &text, method: &text, request_id: &text, ..PLAIN };
            let json = write(&line);
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            let expected = match std::str::from_utf8(&text) {
                Ok(text) => text.to_owned(),
                Err(_) => text.iter().map(|byte| char::from(*byte)).collect(),
            };
            prop_assert_eq!(value["userAgent"].as_str().unwrap_or_default(), expected);
            let nginx = write(&Line { format: Format::IngressNginx, ..line });
            for written in [&json, &nginx] {
                prop_assert_eq!(written.chars().filter(|c| c.is_control()).collect::<String>(), "\n");
            }
            prop_assert_eq!(nginx.matches('"').count(), 6);
        }
    }
}
