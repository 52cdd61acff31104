//! Where a client is sent instead of being answered: to another name or page, to `https`, to where the route has moved.
//!
//! What is written into a Location is either a text that was parsed when the route was made, or the request's own authority, path and
//! query, which were accepted before any route was looked for, or what a [`Destination`] makes of a request.

use crate::answer::{Answer, Stop};
use crate::destination::Destination;
use crate::expression::PathExpression;
use crate::local_path::LocalPath;
use crate::request::Request;

/// Status of redirects to `https` and to another name: the method and the content stay (RFC 9110 §15.4.9). As ingress-nginx has it unless its
/// ConfigMap says otherwise (`http-redirect-code`).
pub const KEEPING: u16 = 308;
/// Status of the redirect to an application's own page.
const TO_ROOT: u16 = 302;
/// Status of the redirect to the path with a slash at its end, as nginx has it.
const TO_SLASH: u16 = 301;

/// Paths that are never redirected to `https`, with all below them: those who issue certificates look here for proof before there is one
/// (RFC 8555 §8.3). As ingress-nginx has it unless its ConfigMap says otherwise (`no-tls-redirect-locations`).
const IN_CLEAR: &[u8] = b"/.well-known/acme-challenge";

/// The port of `https` (RFC 9110 §4.2.2).
const HTTPS_PORT: u16 = 443;

/// The redirects of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirects {
    /// To another name, or another page of the same.
    pub host: Option<HostRedirect>,
    /// To `https`.
    pub https: Option<HttpsRedirect>,
    /// To where everything has moved.
    pub moved: Option<Moved>,
    /// How locations are written.
    pub form: Form,
}

/// How the locations are written that this gateway makes itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Without scheme and authority, where these stay as they are.
    pub relative: bool,
    /// With the port, also where it goes without saying.
    pub port: bool,
}

/// A redirect of every request that comes to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostRedirect {
    /// To the application's own page.
    Root(LocalPath),
    /// To the path of the route, which has a slash at its end that the request's has not.
    Slash(LocalPath),
    /// To the same path of another host.
    Name {
        /// The host, canonical.
        host: Box<str>,
        /// Whether one slash at the end of path and query is left out.
        strips_slash: bool,
    },
}

/// A redirect of requests in clear text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpsRedirect {
    /// Also for hosts that no Ingress has a TLS entry for: something in front of the gateway speaks TLS for them.
    pub always: bool,
    /// Whether one slash at the end of path and query is left out.
    pub strips_slash: bool,
}

/// A redirect of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    /// Where to.
    pub to: Destination,
}

/// The ports by which clients know a lane, and the one that a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doors {
    /// The port that the client connected to.
    pub used: u16,
    /// The lane's port for TLS; `None`: it has none of its own, and what is in front of it has the usual one.
    pub https: Option<u16>,
}

impl Redirects {
    /// Whether nothing is redirected.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.host.is_none() && self.https.is_none() && self.moved.is_none()
    }

    /// Sends a request to another name, or to another page of the same.
    ///
    /// # Errors
    /// Where to.
    pub fn host(&self, request: &Request<'_>, doors: Doors) -> Result<(), Stop> {
        let Some(redirect) = &self.host else { return Ok(()) };
        let mut to = Vec::new();
        let status = match redirect {
            HostRedirect::Root(page) => {
                put_origin(&mut to, request, request.authority, self.form.port.then_some(doors.used));
                page.write(request, &mut to)?;
                TO_ROOT
            }
            HostRedirect::Slash(path) => {
                if !self.form.relative {
                    put_origin(&mut to, request, request.authority, self.form.port.then_some(doors.used));
                }
                path.write(request, &mut to)?;
                if let Some(query) = request.query {
                    to.push(b'?');
                    to.extend_from_slice(query);
                }
                TO_SLASH
            }
            HostRedirect::Name { host, strips_slash } => {
                let port = self.form.port.then_some(doors.used);
                let authority = [host.as_bytes(), port_of(request.authority).unwrap_or_default()].concat();
                put_origin(&mut to, request, &authority, port);
                to.extend_from_slice(tail(request.uri, *strips_slash));
                KEEPING
            }
        };
        Err(Answer::redirect(status, to).into())
    }

    /// Sends a request in clear text to `https`. `has_tls`: whether an Ingress has a TLS entry for its host.
    ///
    /// # Errors
    /// Where to.
    pub fn https(&self, request: &Request<'_>, doors: Doors, has_tls: impl FnOnce() -> bool) -> Result<(), Stop> {
        let Some(redirect) = self.https else { return Ok(()) };
        if request.secure || is_in_clear(request.path) || !redirect.concerns(has_tls) {
            return Ok(());
        }
        let mut to = [b"https://", request.host.as_bytes()].concat();
        // Who named the port that it came by knows the lane by its own ports; otherwise something in front of it has others, and of
        // those the usual one is the best guess.
        let named = port_of(request.authority).map_or(&b"80"[..], |port| port.get(1..).unwrap_or_default());
        let is_direct = named == doors.used.to_string().as_bytes();
        let port = doors.https.filter(|_| is_direct || self.form.port).unwrap_or(HTTPS_PORT);
        if self.form.port || port != HTTPS_PORT {
            to.extend_from_slice(format!(":{port}").as_bytes());
        }
        to.extend_from_slice(tail(request.uri, redirect.strips_slash));
        Err(Answer::redirect(KEEPING, to).into())
    }

    /// Sends every request to where the route has moved. `expression`: what has led to it.
    ///
    /// # Errors
    /// Where to.
    pub fn moved(&self, request: &Request<'_>, expression: Option<&PathExpression>) -> Result<(), Stop> {
        let Some(Moved { status, to }) = &self.moved else { return Ok(()) };
        Err(Answer::redirect(*status, to.of(request, expression)?).into())
    }
}

impl HttpsRedirect {
    /// Whether requests in clear text for a host are redirected.
    #[must_use]
    pub fn concerns(self, has_tls: impl FnOnce() -> bool) -> bool {
        self.always || has_tls()
    }
}

fn is_in_clear(path: &[u8]) -> bool {
    path.strip_prefix(IN_CLEAR).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

/// The scheme of a request and an authority, and behind that a port, if there is none.
fn put_origin(to: &mut Vec<u8>, request: &Request<'_>, authority: &[u8], port: Option<u16>) {
    to.extend_from_slice(if request.secure { b"https://" } else { b"http://" });
    to.extend_from_slice(authority);
    if let Some(port) = port
        && port_of(authority).is_none()
    {
        to.extend_from_slice(format!(":{port}").as_bytes());
    }
}

/// The port of an authority with its colon: what stands behind the last one that is not inside brackets.
pub(crate) fn port_of(authority: &[u8]) -> Option<&[u8]> {
    let at = authority.iter().rposition(|&byte| byte == b':' || byte == b']')?;
    authority.get(at..).filter(|port| port.first() == Some(&b':'))
}

/// Path and query as they were sent, perhaps without one slash at their end.
fn tail(uri: &[u8], strips_slash: bool) -> &[u8] {
    uri.strip_suffix(b"/").filter(|_| strips_slash).unwrap_or(uri)
}

#[cfg(test)]
mod tests;
