//! URLs in annotations: whom the gateway is to ask, and for what.

use std::sync::Arc;

use bulkhead_model::template::TargetTemplate;

use crate::findings::quote;
use crate::names::{address, is_host};

/// An absolute `http` or `https` URL (RFC 9110 §4.2) without a fragment, whose path and query may have variables in them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Url {
    /// Whether it is asked under TLS.
    pub(crate) secure: bool,
    pub(crate) host: UrlHost,
    pub(crate) port: u16,
    /// Path and query.
    pub(crate) target: TargetTemplate,
}

/// The host of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UrlHost {
    /// A name or an address, in lower case.
    Named(Arc<str>),
    /// That of the request.
    Own,
}

/// Variables that stand for the host of the request.
const OWN: [&str; 5] = ["host", "http_host", "best_http_host", "server_name", "hostname"];

/// What may stand for a whole path behind a host: it begins with a slash, and so cannot make another host of it.
const PATHS: [&str; 4] = ["$request_uri", "${request_uri}", "$uri", "${uri}"];

impl Url {
    /// Parses a URL, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or("it is no URL with a scheme")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(format!("its scheme {} is neither http nor https", quote(scheme))),
        };
        let (host, rest) = split_host(rest)?;
        let (port, rest) = split_port(rest)?;
        let target = match rest.chars().next() {
            None => "/".to_owned(),
            Some('/') => rest.to_owned(),
            Some('$') if PATHS.iter().any(|path| rest.starts_with(path)) => rest.to_owned(),
            Some('?') => format!("/{rest}"),
            Some(_) => return Err("its host is not followed by a port or a path".to_owned()),
        };
        if target.contains(['#', ' ']) {
            return Err("its path has a fragment or a space in it".to_owned());
        }
        let target = TargetTemplate::parse(&target).map_err(|error| error.to_string())?;
        Ok(Self { secure, host, port: port.unwrap_or(if secure { 443 } else { 80 }), target })
    }
}

impl UrlHost {
    /// The host as an authority says it.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Named(host) if address(host).is_some_and(|address| address.is_ipv6()) => format!("[{host}]"),
            Self::Named(host) => host.to_string(),
            Self::Own => "$host".to_owned(),
        }
    }
}

fn split_host(rest: &str) -> Result<(UrlHost, &str), String> {
    if let Some(variable) = rest.strip_prefix('$') {
        let (name, behind) = match variable.strip_prefix('{') {
            Some(braced) => braced.split_once('}').ok_or("its host has an open brace")?,
            None => variable
                .split_at(variable.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(variable.len())),
        };
        return match OWN.contains(&name) {
            true => Ok((UrlHost::Own, behind)),
            false => Err(format!("its host is the variable {}, and can only be $host", quote(name))),
        };
    }
    let (host, behind) = match rest.strip_prefix('[') {
        Some(bracketed) => {
            let (host, behind) = bracketed.split_once(']').ok_or("its host has an open bracket")?;
            if !address(host).is_some_and(|address| address.is_ipv6()) {
                return Err(format!("{} is no IPv6 address", quote(host)));
            }
            (host, behind)
        }
        None => rest.split_at(rest.find([':', '/', '?', '$', '#']).unwrap_or(rest.len())),
    };
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if !is_host(&host) {
        return Err(format!("{} is no host", quote(&host)));
    }
    Ok((UrlHost::Named(host.into()), behind))
}

fn split_port(rest: &str) -> Result<(Option<u16>, &str), String> {
    let Some(behind) = rest.strip_prefix(':') else { return Ok((None, rest)) };
    let (digits, behind) = behind.split_at(behind.find(['/', '?', '$', '#']).unwrap_or(behind.len()));
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse::<u16>() {
        Ok(port) if port > 0 && is_plain => Ok((Some(port), behind)),
        _ => Err(format!("{} is no port", quote(digits))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_url_asks_is_read_in_one_way_only() {
        for (text, secure, authority, port, target) in [
            ("http://auth.shop.svc.cluster.local/verify", false, "auth.shop.svc.cluster.local", 80, "/verify"),
            ("https://$host/oauth2/auth", true, "$host", 443, "/oauth2/auth"),
            ("HTTPS://Auth.Test.:8443?a=b", true, "auth.test", 8443, "/?a=b"),
            ("http://[2001:db8::1]:81", false, "[2001:db8::1]", 81, "/"),
            ("https://test.example$request_uri", true, "test.example", 443, "$request_uri"),
            ("http://${http_host}:8080/x", false, "$host", 8080, "/x"),
        ] {
            let url = Url::parse(text).unwrap();
            let read = (url.secure, url.host.authority(), url.port, url.target);
            assert_eq!(read, (secure, authority.to_owned(), port, TargetTemplate::parse(target).unwrap()), "{text}");
        }
        for text in [
            "",
            "/path",
            "auth.test/verify",
            "ftp://auth.test/",
            "http://",
            "http:///x",
            "http://user@auth.test/",
            "http://user:pass@auth.test/",
            "http://auth.test:0/",
            "http://auth.test:65536/",
            "http://auth.test:+80/",
            "http://auth.test:80:81/",
            "http://[::1/",
            "http://[auth.test]/",
            "http://a\\b/",
            "http://$http_x/",
            "http://$hosted/",
            "http://${host/",
            "http://a.$host/",
            "http://auth.test/#x",
            "http://auth.test/a b",
            "http://auth.test/$nothing",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
