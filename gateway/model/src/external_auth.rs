//! Another service's word on whether a client may ask.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use thiserror::Error;

use crate::answer::Answer;
use crate::denial::Denial;
use crate::destination::{BadDestination, Destination};
use crate::errand::Errand;
use crate::local_path::{BadLocalPath, LocalPath};
use crate::request::Request;
use crate::template::{Overflow, Template};

/// Longest place that a client is sent to for it to sign in, in bytes: what browsers and servers take of a URI.
const MAX_LOCATION_BYTES: usize = 16 << 10;

/// Who says it, how it is asked, and what becomes of its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalAuth {
    /// Who is asked.
    pub service: Errand,
    /// How; `None`: by GET. Where it is said how, the service is told the scheme and the URI of the request as well.
    pub method: Option<AskBy>,
    /// What it is told besides: names as they are written, and what each says of a request. One that says nothing is left away.
    pub says: Box<[(Box<str>, Template)]>,
    /// Fields of its answer that the backend is told, instead of what the client says under the same names.
    pub told: Box<[Box<str>]>,
    /// Where clients go that it does not know.
    pub sign_in: Option<SignIn>,
    /// Where it is to send them back to; `None`: to what they asked for.
    pub returns_to: Option<Template>,
    /// For how long its word holds; `None`: for one request.
    pub memory: Option<Memory>,
    /// What is asked, in short.
    pub asked: Asked,
}

/// All that an Ingress has its service asked, in short: a word that was given on another question is none on this one.
///
/// Only questions of one route are ever compared, and all of them are its author's, so nobody gains by two that are alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked(u64);

impl Asked {
    /// As a part of a key.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }
}

/// The method that it is asked by (RFC 9110 §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AskBy {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST, without content.
    Post,
    /// PUT, without content.
    Put,
    /// PATCH, without content.
    Patch,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
}

/// Where clients go to say who they are.
#[derive(Clone, Debug, PartialEq)]
pub struct SignIn {
    /// The page.
    pub page: Page,
    /// What its query says of where they came from; `None`: the page says it already.
    pub origin: Option<Template>,
}

/// Where a page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// On the host that the client asks.
    Here(LocalPath),
    /// On one that the author names.
    There(Destination),
}

/// Why a text is no page: what is to be said behind it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadPage {
    /// No path.
    #[error(transparent)]
    Here(#[from] BadLocalPath),
    /// No URI.
    #[error(transparent)]
    There(#[from] BadDestination),
    /// Groups of the path.
    #[error("has $1 to $9 in it, which stand for nothing here")]
    Group,
}

/// What it says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It may be served.
    Yes,
    /// It may not.
    No,
    /// Nothing that can be relied on.
    Unclear,
}

/// For how long its word holds for requests with the same key.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Memory {
    /// What requests have in common that are alike.
    pub key: Template,
    /// By status.
    pub lifetimes: Box<[(u16, Duration)]>,
}

impl Word {
    /// What a status means. Whatever is neither a yes nor a no is no decision, and lets nobody in.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Yes,
            401 | 403 => Self::No,
            _ => Self::Unclear,
        }
    }
}

impl ExternalAuth {
    /// The same, knowing what is asked. Who asks is not a part of it: the backend has a number of its own.
    #[must_use]
    pub fn known(self) -> Self {
        // All fields are named, so that none is forgotten. Where clients sign in is no part of the question.
        let Self { service, method, says, told, sign_in: _, returns_to, memory, asked: _ } = &self;
        let mut hasher = DefaultHasher::new();
        (&service.authority, &service.target, method, says, told, returns_to, memory).hash(&mut hasher);
        let asked = Asked(hasher.finish());
        Self { asked, ..self }
    }

    /// What a client is told that is not let in: the status, and the fields of the service's answer that are for clients.
    #[must_use]
    pub fn refuse(&self, request: &Request<'_>, status: u16, fields: Vec<(&'static str, Vec<u8>)>) -> Answer {
        let denial = Some(Denial::ServiceRefused);
        let location = self.sign_in.as_ref().filter(|_| status == 401).map(|sign_in| sign_in.location(request));
        match location {
            Some(Ok(location)) => {
                let fields = fields.into_iter().filter(|(name, _)| *name == "Set-Cookie");
                Answer { status: 302, fields: std::iter::once(("Location", location)).chain(fields).collect(), denial }
            }
            Some(Err(_)) | None => Answer { status, fields, denial },
        }
    }
}

impl Page {
    /// Reads a path of the same host, or an absolute URI, with variables.
    ///
    /// # Errors
    /// [`BadPage`] says why it is none.
    pub fn parse(text: &str) -> Result<Self, BadPage> {
        if text.starts_with('/') {
            return Ok(Self::Here(LocalPath::with_variables(text)?));
        }
        let there = Destination::parse(text)?;
        if there.has_groups() { Err(BadPage::Group) } else { Ok(Self::There(there)) }
    }
}

impl SignIn {
    /// Where a client goes.
    fn location(&self, request: &Request<'_>) -> Result<Vec<u8>, Denial> {
        let mut location = Vec::new();
        match &self.page {
            Page::Here(path) => path.write(request, &mut location)?,
            Page::There(destination) => location = destination.of(request, None)?,
        }
        if let Some(origin) = &self.origin {
            let left = MAX_LOCATION_BYTES.saturating_sub(location.len());
            origin.write(request, left, &mut location).map_err(|Overflow| Denial::BadRewrite)?;
        }
        Ok(location)
    }
}

impl Memory {
    /// For how long a word of this status holds.
    #[must_use]
    pub fn lifetime(&self, status: u16) -> Option<Duration> {
        self.lifetimes.iter().find(|(one, _)| *one == status).map(|(_, lifetime)| *lifetime)
    }
}

#[cfg(test)]
mod tests;
