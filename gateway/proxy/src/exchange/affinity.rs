//! What of a request decides on its endpoint, where requests belong together.

use std::net::IpAddr;

use bulkhead_http1::{Name, RequestHead};
use bulkhead_model::balance::{Affinity, By, HashBy, Method, Mode, Sticky, find, key};
use bulkhead_model::{Backend, Endpoint};

use crate::dice::Dice;
use crate::upstream::Group;

/// What a request belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bond<'s> {
    /// Nothing: any endpoint will do.
    None,
    /// All requests with this key.
    Key(u64),
    /// A session that its cookie has named.
    Session(&'s Sticky, u64),
    /// A session that begins.
    NewSession(&'s Sticky),
}

impl<'s> Bond<'s> {
    /// What `backend` makes of a request; `bytes` is what its head was parsed from.
    pub(super) fn of(backend: &'s Backend, address: IpAddr, head: &RequestHead, bytes: &[u8]) -> Self {
        let Some(affinity) = &backend.affinity else { return Self::None };
        let mut cookies =
            head.fields.iter().filter(|field| field.id == Name::Cookie).map(|field| field.value.of(bytes));
        let of = |value: Option<&[u8]>| value.map_or(Self::None, |value| Self::Key(key(value)));
        match affinity {
            Affinity::Hash(HashBy::Address) => match address {
                IpAddr::V4(v4) => Self::Key(key(&v4.octets())),
                IpAddr::V6(v6) => Self::Key(key(&v6.octets())),
            },
            Affinity::Hash(HashBy::Field(name)) => {
                let is_named = |of: &[u8]| of.eq_ignore_ascii_case(name.as_bytes());
                of(head.fields.iter().find(|field| is_named(field.name.of(bytes))).map(|field| field.value.of(bytes)))
            }
            Affinity::Hash(HashBy::Cookie(name)) => of(cookies.find_map(|field| find(field, name))),
            Affinity::Sticky(sticky) => match cookies.find_map(|field| sticky.read(field)) {
                Some(value) => Self::Session(sticky, value),
                None => Self::NewSession(sticky),
            },
        }
    }

    /// Gives a session that begins its key, if it has one before it has an endpoint. Says what its cookie will say.
    pub(super) fn begin(&mut self, dice: &Dice) -> Option<u64> {
        let Self::NewSession(sticky) = *self else { return None };
        if sticky.mode == Mode::Persistent {
            return None;
        }
        let value = dice.roll();
        *self = Self::Session(sticky, value);
        Some(value)
    }

    /// What the endpoint is chosen by; by `method` where nothing binds the request.
    pub(super) fn by(self, method: Method) -> By<'s> {
        match self {
            Self::None | Self::NewSession(_) => By::Method(method),
            Self::Key(key) => By::Key(key),
            Self::Session(sticky, value) => match sticky.mode {
                Mode::Balanced => By::Session(key(&value.to_be_bytes())),
                Mode::Persistent => By::Token(sticky, value, method),
            },
        }
    }

    /// What the cookie is to say of the endpoint that was chosen: nothing while the one that it names exists.
    pub(super) fn settle(self, group: &Group, endpoint: &Endpoint) -> Option<u64> {
        match self {
            Self::NewSession(sticky) => Some(sticky.token(endpoint.key)),
            Self::Session(sticky, token) if sticky.mode == Mode::Persistent && !group.knows(sticky, token) => {
                Some(sticky.token(endpoint.key))
            }
            _ => None,
        }
    }

    /// The cookie of the session.
    pub(super) const fn sticky(self) -> Option<&'s Sticky> {
        match self {
            Self::Session(sticky, _) | Self::NewSession(sticky) => Some(sticky),
            Self::None | Self::Key(_) => None,
        }
    }
}
