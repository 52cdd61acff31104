//! The Connection field: what it says about the connection, and which fields it ends here (RFC 9110 §7.6.1).

use crate::claim::is_claim;
use crate::field::{is_token, list};
use crate::{Field, Name, NameSet, Refusal, Span, Version};

/// Most fields that Connection may nominate; each is compared with every field of the head.
const NOMINATIONS: usize = 16;

/// Fields that a client cannot make us withhold from a backend, beside its claims: they say who asks, and what for.
const PROTECTED: NameSet = NameSet::of(&[
    Name::Authorization,
    Name::ContentEncoding,
    Name::ContentLength,
    Name::ContentType,
    Name::Cookie,
    Name::Date,
    Name::Expect,
    Name::Host,
    Name::MaxForwards,
    Name::Origin,
    Name::Traceparent,
    Name::TransferEncoding,
    Name::Via,
    Name::XAuthRequestRedirect,
    Name::XRequestId,
]);

/// What all Connection fields of one head say together.
#[derive(Default)]
pub(crate) struct Options {
    close: bool,
    keep_alive: bool,
    /// Whether `upgrade` is among the options.
    upgrade: bool,
    /// Whether the one Upgrade field says `websocket`; `None` without an Upgrade field.
    websocket: Option<bool>,
    nominated: [Span; NOMINATIONS],
    count: usize,
}

impl Options {
    /// Takes one Connection value out of `buf`.
    pub(crate) fn read(&mut self, buf: &[u8], value: &[u8]) -> Result<(), Refusal> {
        // What nearly every Connection field says, in the spelling that nearly all use, without taking it apart.
        if value == b"keep-alive" || value.eq_ignore_ascii_case(b"keep-alive") {
            self.keep_alive = true;
            return Ok(());
        }
        for option in list(value) {
            if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if option.eq_ignore_ascii_case(b"upgrade") {
                self.upgrade = true;
            } else if is_token(option) {
                let free = self.nominated.get_mut(self.count).ok_or(Refusal::BadConnection)?;
                *free = Span::within(buf, option);
                self.count += 1;
            } else {
                return Err(Refusal::BadConnection);
            }
        }
        Ok(())
    }

    /// Takes one Upgrade value.
    pub(crate) fn read_upgrade(&mut self, value: &[u8]) {
        self.websocket = Some(self.websocket.is_none() && value.eq_ignore_ascii_case(b"websocket"));
    }

    /// Whether the head speaks of an upgrade to WebSocket and of no other (RFC 9110 §7.8, RFC 6455 §4).
    pub(crate) fn is_websocket(&self) -> bool {
        self.upgrade && self.websocket == Some(true)
    }

    /// Ends the connection after this message, whatever was said.
    pub(crate) const fn set_close(&mut self) {
        self.close = true;
    }

    /// Whether the sender will take another message on this connection (RFC 9112 §9.3).
    pub(crate) const fn persistent(&self, version: Version) -> bool {
        match version {
            Version::Http11 => !self.close,
            Version::Http10 => self.keep_alive && !self.close,
        }
    }

    /// Refuses the nomination of a field that is meant for every recipient.
    pub(crate) fn require_unprotected(&self, buf: &[u8]) -> Result<(), Refusal> {
        if self.count == 0 {
            return Ok(());
        }
        let protected = |name: &[u8]| PROTECTED.contains(Name::find(name)) || is_claim(name);
        if self.nominated(buf).any(protected) { Err(Refusal::ProtectedFieldNominated) } else { Ok(()) }
    }

    /// Ends every nominated field here.
    pub(crate) fn withhold(&self, buf: &[u8], fields: &mut [Field]) {
        if self.count == 0 {
            return;
        }
        for name in self.nominated(buf) {
            for field in fields.iter_mut().filter(|field| field.name.len() == name.len()) {
                field.forward &= !field.name.of(buf).eq_ignore_ascii_case(name);
            }
        }
    }

    fn nominated<'b>(&self, buf: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
        self.nominated.iter().take(self.count).map(move |span| span.of(buf))
    }
}
