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
    /// The same of the canary that was asked instead; empty: none was.
    pub(crate) alternative: &'l [u8],
    /// The endpoint that was asked last, and for how long.
    pub(crate) upstream: Option<(SocketAddr, Duration)>,
    /// How many were asked.
    pub(crate) tries: u32,
    /// Bytes of the head, and of the content that came.
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
        match self.format {
            Format::Off => {}
            Format::Json => self.json(out, clock),
            Format::IngressNginx => self.ingress_nginx(out, clock),
        }
    }

    fn json(&self, out: &mut Vec<u8>, clock: &Written) {
        let texts: [(&[u8], &[u8]); 11] = [
            (b"\",\"method\":\"", self.method),
            (b"\",\"host\":\"", self.host),
            (b"\",\"uri\":\"", self.uri),
            (b"\",\"protocol\":\"", self.version.as_bytes()),
            (b"\",\"referer\":\"", self.referer),
            (b"\",\"userAgent\":\"", self.agent),
            (b"\",\"requestId\":\"", self.request_id),
            (b"\",\"ingress\":\"", self.ingress),
            (b"\",\"service\":\"", self.service),
            (b"\",\"canary\":\"", self.alternative),
            (b"\",\"error\":\"", self.error.as_bytes()),
        ];
        out.extend_from_slice(b"{\"time\":\"");
        out.extend_from_slice(clock.rfc3339.as_bytes());
        out.push(b'.');
        decimals(out, clock.millis, 3);
        out.push(b'Z');
        if let Some(client) = self.client {
            out.extend_from_slice(b"\",\"remoteAddr\":\"");
            address(out, client);
        }
        for (name, text) in texts {
            if !text.is_empty() {
                out.extend_from_slice(name);
                escape_json(out, text);
            }
        }
        out.push(b'"');
        let numbers: [(&[u8], u64); 3] = [
            (b",\"status\":", u64::from(self.status)),
            (b",\"requestBytes\":", self.request_bytes),
            (b",\"responseBytes\":", self.sent),
        ];
        for (name, value) in numbers {
            out.extend_from_slice(name);
            number(out, value);
        }
        out.extend_from_slice(b",\"duration\":");
        micros(out, self.took);
        if let Some((endpoint, took)) = self.upstream {
            out.extend_from_slice(b",\"upstream\":\"");
            socket(out, endpoint);
            out.extend_from_slice(b"\",\"upstreamDuration\":");
            micros(out, took);
        }
        if self.tries > 1 {
            out.extend_from_slice(b",\"upstreamTries\":");
            number(out, u64::from(self.tries));
        }
        out.extend_from_slice(b"}\n");
    }

    /// The default of ingress-nginx, `log-format-upstream`. Who the client says that it is is not written: it is a header's value.
    fn ingress_nginx(&self, out: &mut Vec<u8>, clock: &Written) {
        match self.client {
            Some(client) => address(out, client),
            None => out.push(b'-'),
        }
        out.extend_from_slice(b" - - [");
        out.extend_from_slice(clock.common.as_bytes());
        out.extend_from_slice(b"] \"");
        if self.method.is_empty() {
            out.push(b'-');
        } else {
            escape_nginx(out, self.method);
            out.push(b' ');
            escape_nginx(out, self.uri);
            out.push(b' ');
            out.extend_from_slice(self.version.as_bytes());
        }
        out.extend_from_slice(b"\" ");
        decimals(out, u32::from(self.status), 3);
        out.push(b' ');
        number(out, self.sent);
        out.extend_from_slice(b" \"");
        or_dash(out, self.referer);
        out.extend_from_slice(b"\" \"");
        or_dash(out, self.agent);
        out.extend_from_slice(b"\" ");
        number(out, self.request_bytes);
        out.push(b' ');
        millis(out, self.took);
        out.extend_from_slice(b" [");
        dashed(out, self.service);
        out.extend_from_slice(b"] [");
        dashed(out, self.alternative);
        out.extend_from_slice(b"] ");
        match self.upstream {
            Some((endpoint, took)) => {
                socket(out, endpoint);
                out.push(b' ');
                number(out, self.sent);
                out.push(b' ');
                millis(out, took);
                out.push(b' ');
                decimals(out, u32::from(self.status), 3);
                out.push(b' ');
            }
            None => out.extend_from_slice(b"- - - - "),
        }
        token(out, self.request_id);
        out.push(b'\n');
    }
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit += (value % 10) as u8;
        used += 1;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// The last digits of a number, as many as are asked for.
fn decimals(out: &mut Vec<u8>, mut value: u32, count: usize) {
    let mut digits = [b'0'; 10];
    for digit in digits.iter_mut().rev().take(count) {
        *digit += (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(digits.get(digits.len() - count..).unwrap_or_default());
}

/// Seconds with three decimals.
fn millis(out: &mut Vec<u8>, duration: Duration) {
    number(out, duration.as_secs());
    out.push(b'.');
    decimals(out, duration.subsec_millis(), 3);
}

/// Seconds with six decimals.
fn micros(out: &mut Vec<u8>, duration: Duration) {
    number(out, duration.as_secs());
    out.push(b'.');
    decimals(out, duration.subsec_micros(), 6);
}

fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (nth, octet) in address.octets().into_iter().enumerate() {
                if nth > 0 {
                    out.push(b'.');
                }
                number(out, u64::from(octet));
            }
        }
        IpAddr::V6(address) => {
            // A vector takes any text.
            let _ = write!(out, "{address}");
        }
    }
}

fn socket(out: &mut Vec<u8>, endpoint: SocketAddr) {
    match endpoint {
        SocketAddr::V4(endpoint) => {
            address(out, IpAddr::V4(*endpoint.ip()));
            out.push(b':');
            number(out, u64::from(endpoint.port()));
        }
        SocketAddr::V6(endpoint) => {
            let _ = write!(out, "{endpoint}");
        }
    }
}

/// `namespace/service:port` as ingress-nginx names it. All of it are names of Kubernetes: nothing in it needs to be escaped.
fn dashed(out: &mut Vec<u8>, service: &[u8]) {
    out.extend(service.iter().map(|byte| if matches!(byte, b'/' | b':') { b'-' } else { *byte }));
}

fn or_dash(out: &mut Vec<u8>, text: &[u8]) {
    if text.is_empty() { out.push(b'-') } else { escape_nginx(out, text) }
}

/// A text that stands between blanks: one inside it would make two of it.
fn token(out: &mut Vec<u8>, text: &[u8]) {
    let begin = out.len();
    or_dash(out, text);
    if let Some(written) = out.get_mut(begin..) {
        written.iter_mut().filter(|byte| **byte == b' ').for_each(|byte| *byte = b'_');
    }
}

/// Whether a byte stands for itself in both formats.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..0x7f) && byte != b'"' && byte != b'\\'
}

/// Whether all do. Without an early end, so that many are looked at at once.
fn are_plain(text: &[u8]) -> bool {
    text.iter().fold(true, |are, byte| are & is_plain(*byte))
}

/// As nginx does: `\xHH` for what could end the text or the line, and for what is not ASCII.
fn escape_nginx(out: &mut Vec<u8>, text: &[u8]) {
    if are_plain(text) {
        return out.extend_from_slice(text);
    }
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
    if are_plain(text) {
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
        alternative: b"",
        tries: 1,
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
             \"service\":\"mill/flour:80\",\"status\":200,\"requestBytes\":71,\"responseBytes\":5,\"duration\":1.013000,\
             \"upstream\":\"10.0.0.9:8080\",\"upstreamDuration\":0.012000}\n"
        );
        assert_eq!(
            write(&Line { format: Format::IngressNginx, ..PLAIN }),
            "192.0.2.7 - - [29/Feb/2024:23:59:59 +0000] \"GET /a?b=c HTTP/1.1\" 200 5 \"-\" \"curl/8\" 71 1.013 \
             [mill-flour-80] [] 10.0.0.9:8080 5 0.012 200 7\n"
        );
        let canary = Line { alternative: b"mill/bran:80", tries: 2, ..PLAIN };
        assert!(write(&canary).contains("\"service\":\"mill/flour:80\",\"canary\":\"mill/bran:80\","));
        assert!(write(&canary).ends_with("\"upstreamTries\":2}\n"));
        let line = write(&Line { format: Format::IngressNginx, ..canary });
        assert!(line.contains(" [mill-flour-80] [mill-bran-80] "), "{line}");
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
            prop_assert_eq!(nginx.rsplit('"').next().map(|end| end.matches(' ').count()), Some(9));
        }
    }
}
