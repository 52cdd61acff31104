//! The request target and the authority it is for (RFC 9112 §3.2, RFC 9110 §7.2).

use crate::{Method, Refusal, Span, bytes};

/// The request target, reduced: absolute-form is gone once it agreed with Host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetForm {
    /// A path that starts with `/`, and perhaps a query.
    Origin(Span),
    /// `/`, from an absolute-form target without a path.
    #[default]
    Root,
    /// `*`: the server as a whole; only with OPTIONS.
    Asterisk,
}

impl TargetForm {
    /// The target as it would be written. `buf` is the buffer that the head was parsed from.
    pub fn bytes(self, buf: &[u8]) -> &[u8] {
        match self {
            Self::Origin(span) => span.of(buf),
            Self::Root => b"/",
            Self::Asterisk => b"*",
        }
    }
}

/// Refuses a Host value that could be read as anything but one host and port; whether it is a good one is decided by
/// whoever routes.
pub(crate) fn require_plain_host(host: &[u8]) -> Result<(), Refusal> {
    match host {
        b"" => Err(Refusal::MissingHost),
        host if bytes::all(host, bytes::HOST) => Ok(()),
        _ => Err(Refusal::BadHost),
    }
}

/// Decides on the target at `span` of `buf`, in a request with this method and Host.
pub(crate) fn read(buf: &[u8], span: Span, method: Method, host: &[u8]) -> Result<TargetForm, Refusal> {
    let target = span.of(buf);
    match target {
        [b'/', ..] => {
            require_allowed(target)?;
            Ok(TargetForm::Origin(span))
        }
        b"*" if method == Method::Options => Ok(TargetForm::Asterisk),
        _ => read_absolute(buf, target, method, host),
    }
}

fn read_absolute(buf: &[u8], target: &[u8], method: Method, host: &[u8]) -> Result<TargetForm, Refusal> {
    let Some((scheme, rest)) = split_scheme(target)? else { return Err(Refusal::BadTarget) };
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, b""));
    if authority.is_empty() || !bytes::all(authority, bytes::HOST) {
        return Err(Refusal::BadAbsoluteTarget);
    }
    if !scheme.host(authority).eq_ignore_ascii_case(scheme.host(host)) {
        return Err(Refusal::TargetHostMismatch);
    }
    match path {
        b"" if method == Method::Options => Ok(TargetForm::Asterisk),
        b"" => Ok(TargetForm::Root),
        [b'/', ..] => {
            require_allowed(path)?;
            Ok(TargetForm::Origin(Span::within(buf, path)))
        }
        [b'#', ..] => Err(Refusal::FragmentInTarget),
        _ => Err(Refusal::BadAbsoluteTarget),
    }
}

#[derive(Clone, Copy)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// The authority without the port, if that is the scheme's own or empty (RFC 9110 §4.2.3).
    fn host(self, authority: &[u8]) -> &[u8] {
        let port: &[u8] = match self {
            Self::Http => b":80",
            Self::Https => b":443",
        };
        authority.strip_suffix(port).or_else(|| authority.strip_suffix(b":")).unwrap_or(authority)
    }
}

/// Takes `http://` or `https://` off; another scheme is refused, no scheme is `None`.
fn split_scheme(target: &[u8]) -> Result<Option<(Scheme, &[u8])>, Refusal> {
    let Some(colon) = memchr::memmem::find(target, b"://") else { return Ok(None) };
    let (scheme, rest) = target.split_at_checked(colon).unwrap_or_default();
    let rest = rest.strip_prefix(b"://").unwrap_or_default();
    if scheme.eq_ignore_ascii_case(b"http") {
        Ok(Some((Scheme::Http, rest)))
    } else if scheme.eq_ignore_ascii_case(b"https") {
        Ok(Some((Scheme::Https, rest)))
    } else {
        Err(Refusal::BadAbsoluteTarget)
    }
}

/// Refuses a path and query with a byte that may not stand there.
fn require_allowed(target: &[u8]) -> Result<(), Refusal> {
    let Some(at) = target.iter().position(|&byte| !bytes::is(byte, bytes::PATH)) else { return Ok(()) };
    let (_, rest) = target.split_at_checked(at).unwrap_or_default();
    let refused = match rest {
        [b'?', query @ ..] => query.iter().find(|&&byte| !bytes::is(byte, bytes::QUERY)),
        rest => rest.first(),
    };
    match refused {
        None => Ok(()),
        Some(b'#') => Err(Refusal::FragmentInTarget),
        Some(_) => Err(Refusal::BadTarget),
    }
}
