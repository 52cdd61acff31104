//! Requests as a backend reads them: by a parser of its own, which takes nothing but the one form a careful sender writes.

/// One complete request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Every byte of it.
    pub raw: Vec<u8>,
    /// Request line and fields, without the empty line.
    pub head: Vec<u8>,
    /// The content, freed of its framing.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.raw.escape_ascii())
    }
}

/// What a connection's bytes begin with.
#[derive(Debug)]
pub enum Begin {
    /// Part of a request: its head if that is complete, and the content so far.
    Partial { head: Option<Vec<u8>>, content: Vec<u8> },
    /// A whole request.
    Whole(Request),
}

/// Reads the request at the start of `bytes`, by the letter of RFC 9112 and no more.
///
/// # Errors
/// What no careful sender writes, with a reason.
pub fn begin(bytes: &[u8]) -> Result<Begin, String> {
    let Some(end) = find(bytes, b"\r\n\r\n") else { return Ok(Begin::Partial { head: None, content: Vec::new() }) };
    let head = &bytes[..end];
    check_head(head)?;
    let rest = &bytes[end + 4..];
    let whole = |length: usize, content: Vec<u8>| {
        let raw = bytes[..end + 4 + length].to_vec();
        Begin::Whole(Request { raw, head: head.to_vec(), content })
    };
    let partial = |content: Vec<u8>| Begin::Partial { head: Some(head.to_vec()), content };
    Ok(match (field(head, "content-length")?, field(head, "transfer-encoding")?) {
        (None, None) => whole(0, Vec::new()),
        (Some(length), None) => {
            let length: usize = length.parse().map_err(|_| format!("a Content-Length of {length:?}"))?;
            if rest.len() < length { partial(rest.to_vec()) } else { whole(length, rest[..length].to_vec()) }
        }
        (None, Some(coding)) if coding == "chunked" => match chunks(rest)? {
            (content, Some(length)) => whole(length, content),
            (content, None) => partial(content),
        },
        (length, coding) => return Err(format!("framed by {length:?} and {coding:?}")),
    })
}

fn check_head(head: &[u8]) -> Result<(), String> {
    let mut lines = lines(head);
    let line = lines.next().unwrap_or_default();
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, b"HTTP/1.1"] = parts[..] else { return Err(format!("the line {}", line.escape_ascii())) };
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if method.is_empty() || !method.iter().all(token) || !target.starts_with(b"/") {
        return Err(format!("the line {}", line.escape_ascii()));
    }
    for line in lines {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let control = |byte: &u8| *byte < b' ' && *byte != b'\t' || *byte == 0x7f;
        if name.is_empty() || name.len() == line.len() || !name.iter().all(token) || line.iter().any(control) {
            return Err(format!("the line {}", line.escape_ascii()));
        }
    }
    match field(head, "host")? {
        Some(host) if !host.is_empty() => Ok(()),
        host => Err(format!("a host of {host:?}")),
    }
}

/// The one value of a field; two are an error.
fn field(head: &[u8], name: &str) -> Result<Option<String>, String> {
    let mut values = lines(head).skip(1).filter_map(|line| {
        let (found, value) = line.split_at(line.iter().position(|byte| *byte == b':')?);
        let is_it = found.eq_ignore_ascii_case(name.as_bytes());
        is_it.then(|| String::from_utf8_lossy(value[1..].trim_ascii()).into_owned())
    });
    let first = values.next();
    if values.next().is_some() { Err(format!("{name} twice")) } else { Ok(first) }
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = find(bytes, b"\r\n");
        rest = end.map(|end| &bytes[end + 2..]);
        Some(&bytes[..end.unwrap_or(bytes.len())])
    })
}

/// Trailers that a backend may be sent: of which no reader could make more than a remark on the content.
const TRAILERS: &[&str] = &[
    "content-digest",
    "digest",
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
    "repr-digest",
    "server-timing",
];

/// How many bytes the trailer section takes, up to and with its empty line; `None` while that is to come.
fn trailers(bytes: &[u8]) -> Result<Option<usize>, String> {
    let mut rest = bytes;
    loop {
        let Some(end) = find(rest, b"\r\n") else { return Ok(None) };
        let line = &rest[..end];
        rest = &rest[end + 2..];
        if line.is_empty() {
            return Ok(Some(bytes.len() - rest.len()));
        }
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().to_ascii_lowercase();
        if !TRAILERS.iter().any(|known| known.as_bytes() == name) {
            return Err(format!("the trailer {}", line.escape_ascii()));
        }
    }
}

/// The data of chunks, and, if the last chunk is there, how many bytes they and the trailers took. No extensions, no leading zeros.
fn chunks(mut bytes: &[u8]) -> Result<(Vec<u8>, Option<usize>), String> {
    let all = bytes.len();
    let mut content = Vec::new();
    loop {
        let Some(end) = find(bytes, b"\r\n") else { return Ok((content, None)) };
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit()) && (text == "0" || !text.starts_with('0'));
        let size = usize::from_str_radix(&text, 16)
            .ok()
            .filter(|_| digits)
            .ok_or_else(|| format!("a chunk size of {text:?}"))?;
        bytes = &bytes[end + 2..];
        if size == 0 {
            return Ok((content, trailers(bytes)?.map(|length| all - bytes.len() + length)));
        }
        content.extend_from_slice(&bytes[..size.min(bytes.len())]);
        if bytes.len() < size + 2 {
            return Ok((content, None));
        }
        if &bytes[size..size + 2] != b"\r\n" {
            return Err(format!("a chunk that ends in {}", bytes[size..size + 2].escape_ascii()));
        }
        bytes = &bytes[size + 2..];
    }
}

impl Request {
    /// Method and target.
    pub fn line(&self) -> String {
        let line = lines(&self.head).next().unwrap_or_default();
        String::from_utf8_lossy(line.strip_suffix(b" HTTP/1.1").unwrap_or(line)).into_owned()
    }

    /// The target.
    pub fn target(&self) -> String {
        self.line().split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

/// A request without the fields that tell a backend who asked and through whom, as [`without_forwarded`].
///
/// # Errors
/// When one of them is missing or not right.
pub fn strip(request: &Request, port: u16, version: &str) -> Result<Request, String> {
    let head = without_forwarded(&request.head, port, version)?;
    let raw = [&head[..], &request.raw[request.head.len()..]].concat();
    Ok(Request { raw, head, content: request.content.clone() })
}

/// A head without the fields that tell a backend who asked and through whom, once they are seen to be right: of this client,
/// once each, and our pseudonym as the last in Via, behind the `version` by which the request came.
pub fn without_forwarded(head: &[u8], port: u16, version: &str) -> Result<Vec<u8>, String> {
    let host = field(head, "host")?.unwrap_or_default();
    let mut rest = head.to_vec();
    let client = "127.0.0.1".to_owned();
    let expected = [
        ("X-Forwarded-For", client.clone()),
        ("X-Forwarded-Host", host),
        ("X-Forwarded-Port", port.to_string()),
        ("X-Forwarded-Proto", "http".to_owned()),
        ("X-Real-IP", client),
    ];
    for (name, value) in expected {
        if field(head, name)? != Some(value.clone()) {
            return Err(format!("{name} is not {value} in {}", head.escape_ascii()));
        }
        let line = format!("\r\n{name}: {value}");
        let at = find(&rest, line.as_bytes()).ok_or_else(|| format!("{name} is written otherwise"))?;
        rest.drain(at..at + line.len());
    }
    without_pseudonym(rest, version)
}

/// A head without the line by which a gateway names itself: sixteen hexadecimal digits that are its own.
fn without_pseudonym(mut head: Vec<u8>, version: &str) -> Result<Vec<u8>, String> {
    let start = format!("\r\nVia: {version} bulkhead-");
    let start = start.as_bytes();
    let at = find(&head, start).ok_or_else(|| format!("no Via in {}", head.escape_ascii()))?;
    let end = at + start.len() + 16;
    if !head.get(at + start.len()..end).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
        return Err(format!("another pseudonym in {}", head.escape_ascii()));
    }
    head.drain(at..end);
    if find(&head, start).is_some() { Err("the gateway names itself twice".to_owned()) } else { Ok(head) }
}

/// Where `needle` begins.
pub fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}
