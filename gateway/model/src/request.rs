//! A request as decisions see it.

use std::net::IpAddr;

/// What of a request can matter to a route's filters. Borrowed from the head that it was parsed from.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// As it came; case-sensitive (RFC 9110 §9.1).
    pub method: &'r [u8],
    /// Whether the client uses `https`, as far as it, or a proxy that is trusted to speak for it, says so.
    pub secure: bool,
    /// Canonical host, without a port.
    pub host: &'r str,
    /// Authority as the client wrote it, its port with it.
    pub authority: &'r [u8],
    /// Canonical path.
    pub path: &'r [u8],
    /// Without the `?`.
    pub query: Option<&'r [u8]>,
    /// Path and query as the client sent them.
    pub uri: &'r [u8],
    /// Whose request it is: the peer, or the client that a trusted proxy names.
    pub client: IpAddr,
    /// Its fields.
    pub fields: &'r dyn Fields,
}

/// The fields of a head.
pub trait Fields {
    /// Calls `with` on the value of each field of that name, in any case, in order.
    fn each<'f>(&'f self, name: &str, with: &mut dyn FnMut(&'f [u8]));
}

impl<'r> Request<'r> {
    /// The value of the first field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'r [u8]> {
        let mut first = None;
        self.fields.each(name, &mut |value| {
            first.get_or_insert(value);
        });
        first
    }

    /// The value of the first cookie of that name (RFC 6265 §5.4).
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&'r [u8]> {
        let mut first = None;
        self.fields.each("cookie", &mut |value| {
            if first.is_none() {
                first = crate::balance::find(value, name);
            }
        });
        first
    }
}
