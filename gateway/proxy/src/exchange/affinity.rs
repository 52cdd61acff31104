//! What of a request decides on its endpoint, where requests belong together.

use std::net::IpAddr;

use bulkhead_http1::{Name, RequestHead};
use bulkhead_model::balance::{Affinity, By, HashBy, Method, Mode, Sticky, find, key};
use bulkhead_model::{Backend, Endpoint, Template};

use crate::dice::Dice;
use crate::upstream::Group;

/// Most numbers tried for a session that is to be with a certain one of many endpoints: with fifty of them, one in a hundred thousand
/// sessions has no luck, and moves when it next can.
const MOST_ROLLS: usize = 600;

/// What a request belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bond<'s> {
    /// Nothing: any endpoint will do.
    None,
    /// All requests with this key.
    Key(u64),
    /// The same, on so many endpoints.
    Subset(u64, u8),
    /// A session that its cookie has named.
    Session(&'s Sticky, u64),
    /// A session that begins.
    NewSession(&'s Sticky),
}

impl<'s> Bond<'s> {
    /// What `backend` makes of a request; `bytes` is what its head was parsed from, and `say` says the key that a text makes of it.
    pub(super) fn of(
        backend: &'s Backend,
        address: IpAddr,
        head: &RequestHead,
        bytes: &[u8],
        say: impl FnOnce(&Template) -> u64,
    ) -> Self {
        let Some(affinity) = &backend.affinity else { return Self::None };
        let mut cookies =
            head.fields.iter().filter(|field| field.id == Name::Cookie).map(|field| field.value.of(bytes));
        let (by, size) = match affinity {
            Affinity::Hash(by) => (by, None),
            Affinity::Subset(by, size) => (by, Some(*size)),
            Affinity::Sticky(sticky) => {
                return match cookies.find_map(|field| sticky.read(field)) {
                    Some(value) => Self::Session(sticky, value),
                    None => Self::NewSession(sticky),
                };
            }
        };
        let key = match by {
            HashBy::Address => Some(match address {
                IpAddr::V4(v4) => key(&v4.octets()),
                IpAddr::V6(v6) => key(&v6.octets()),
            }),
            HashBy::Field(name) => {
                let is_named = |of: &[u8]| of.eq_ignore_ascii_case(name.as_bytes());
                let field = head.fields.iter().find(|field| is_named(field.name.of(bytes)));
                field.map(|field| key(field.value.of(bytes)))
            }
            HashBy::Cookie(name) => cookies.find_map(|field| find(field, name)).map(key),
            HashBy::Template(text) => Some(say(text)),
        };
        match (key, size) {
            (None, _) => Self::None,
            (Some(key), None) => Self::Key(key),
            (Some(key), Some(size)) => Self::Subset(key, size),
        }
    }

    /// Gives a session that begins its key, if it has one before it has an endpoint. Says what its cookie will say.
    pub(super) fn begin(&mut self, dice: &Dice) -> Option<u64> {
        let Self::NewSession(sticky) = *self else { return None };
        if sticky.mode == Mode::Persistent {
            return None;
        }
        let value = sticky.sided(dice.roll());
        *self = Self::Session(sticky, value);
        Some(value)
    }

    /// What the endpoint is chosen by; by `method` where nothing binds the request.
    pub(super) fn by(self, method: Method) -> By<'s> {
        match self {
            Self::None | Self::NewSession(_) => By::Method(method),
            Self::Key(key) => By::Key(key),
            Self::Subset(key, size) => By::Subset(key, size),
            Self::Session(sticky, value) => match sticky.mode {
                Mode::Balanced => By::Session(place(value)),
                Mode::Persistent => By::Token(sticky, value, method),
            },
        }
    }

    /// What the cookie is to say of the endpoint that was chosen, given what a session that has just begun would say: nothing while
    /// the one that it names exists, or the session is to come back to it.
    pub(super) fn settle(self, begun: Option<u64>, group: &Group, endpoint: &Endpoint, dice: &Dice) -> Option<u64> {
        match self {
            Self::NewSession(sticky) => Some(sticky.token(endpoint.key)),
            Self::Session(sticky, token) if sticky.mode == Mode::Persistent => {
                let meant = sticky.token(endpoint.key);
                (token != meant && (sticky.moves || !group.knows(sticky, token))).then_some(meant)
            }
            Self::Session(sticky, value) if sticky.moves && !group.is_at(place(value), endpoint) => {
                let mut others = (0..MOST_ROLLS).map(|_| sticky.sided(dice.roll()));
                others.find(|value| group.is_at(place(*value), endpoint)).or(begun)
            }
            _ => begun,
        }
    }

    /// The cookie of the session.
    pub(super) const fn sticky(self) -> Option<&'s Sticky> {
        match self {
            Self::Session(sticky, _) | Self::NewSession(sticky) => Some(sticky),
            Self::None | Self::Key(_) | Self::Subset(..) => None,
        }
    }
}

/// Where a session is on the ring of endpoints.
fn place(value: u64) -> u64 {
    key(&value.to_be_bytes())
}
