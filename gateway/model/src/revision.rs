//! What a backend's answer says otherwise to the client: where to go, and whose a cookie is.
//!
//! A backend that thinks that it is elsewhere than clients find it names places and cookies that they cannot use. A cookie is changed in
//! the one value that is meant and nowhere else; one that is none (RFC 6265 §5.2) passes as it came.

use std::sync::Arc;

use thiserror::Error;

use crate::request::Request;
use crate::substitution::{Allowance, BadSubstitution, Extent, Filled, Substitution};
use crate::template::Template;

/// Most text that is added behind an attribute, in bytes: all the attributes that there are, and more.
const MAX_FURTHER_BYTES: usize = 256;

/// What is said otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    wanted: Wanted<Template>,
    /// The same, if it is so for all requests.
    fixed: Option<Arc<Words>>,
}

/// Each thing that can be said otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted<T> {
    /// Of `Location` and `Refresh`.
    pub places: Option<Substitution<T>>,
    /// Of the attribute `Domain` of cookies.
    pub domain: Option<Attribute<T>>,
    /// Of the attribute `Path` of cookies.
    pub path: Option<Attribute<T>>,
}

/// Nothing.
impl<T> Default for Wanted<T> {
    fn default() -> Self {
        Self { places: None, domain: None, path: None }
    }
}

/// What is said for one request.
pub type Words = Wanted<Filled>;

/// Another value of an attribute of cookies.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute<T> {
    value: Substitution<T>,
    /// Attributes that are put behind it where it is replaced: each with a `;` before it.
    further: Box<[u8]>,
}

/// Why a text is no such value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadAttribute {
    /// Of the value itself.
    #[error("{0}")]
    Value(#[from] BadSubstitution),
    /// What stands behind a `;`.
    #[error("what is behind the ; is no attribute of a cookie, such as Secure or SameSite=None, that is written out")]
    Further,
}

impl Attribute<Template> {
    /// Reads both sides. Behind the second, further attributes may stand, as people write them who want them in every cookie.
    ///
    /// # Errors
    /// [`BadAttribute`] says what is wrong with them.
    pub fn parse(sought: &str, instead: &str, caseless: bool) -> Result<Self, BadAttribute> {
        let (value, further) = instead.split_once(';').unwrap_or((instead, ""));
        Ok(Self { value: Substitution::parse(sought, value.trim(), caseless)?, further: attributes(further)? })
    }

    fn fill(&self, request: &Request<'_>) -> Option<Attribute<Filled>> {
        Some(Attribute { value: self.value.fill(request)?, further: self.further.clone() })
    }
}

/// RFC 6265 §4.1.1: a name, and perhaps a value without control characters and `;`.
fn attributes(text: &str) -> Result<Box<[u8]>, BadAttribute> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_of_value = |c: char| matches!(c, ' '..='~') && c != '$';
    let mut out = String::new();
    for attribute in text.split(';').map(str::trim).filter(|attribute| !attribute.is_empty()) {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        if name.is_empty() || !name.chars().all(is_of_name) || !value.chars().all(is_of_value) {
            return Err(BadAttribute::Further);
        }
        out.push_str("; ");
        out.push_str(attribute);
    }
    if out.len() > MAX_FURTHER_BYTES { Err(BadAttribute::Further) } else { Ok(out.into_bytes().into()) }
}

impl Revision {
    /// What an Ingress wants; `None`: nothing.
    #[must_use]
    pub fn new(wanted: Wanted<Template>) -> Option<Self> {
        if wanted == Wanted::default() {
            return None;
        }
        let fixed = wanted.is_fixed().then(|| wanted.fill(&NOBODY)).flatten().map(Arc::new);
        Some(Self { wanted, fixed })
    }

    /// What is said to whoever makes this request. `None`: it would be more than can be said, so it is what the backend says.
    #[must_use]
    pub fn of(&self, request: &Request<'_>) -> Option<Arc<Words>> {
        match &self.fixed {
            Some(words) => Some(Arc::clone(words)),
            None => self.wanted.fill(request).map(Arc::new),
        }
    }
}

impl Wanted<Template> {
    fn is_fixed(&self) -> bool {
        let values = [&self.domain, &self.path].into_iter().flatten().map(|attribute| &attribute.value);
        self.places.iter().chain(values).all(Substitution::is_fixed)
    }

    fn fill(&self, request: &Request<'_>) -> Option<Words> {
        Some(Words {
            places: self.places.as_ref().map_or(Some(None), |places| places.fill(request).map(Some))?,
            domain: self.domain.as_ref().map_or(Some(None), |domain| domain.fill(request).map(Some))?,
            path: self.path.as_ref().map_or(Some(None), |path| path.fill(request).map(Some))?,
        })
    }
}

impl Words {
    /// What a `Location` says instead (RFC 9110 §10.2.2).
    #[must_use]
    pub fn location(&self, value: &[u8], allowance: &mut Allowance) -> Option<Vec<u8>> {
        self.places.as_ref()?.apply(value, Extent::Beginning, allowance)
    }

    /// What a `Refresh` says instead (HTML, "shared declarative refresh steps"): the place is what follows `url=`.
    #[must_use]
    pub fn refresh(&self, value: &[u8], allowance: &mut Allowance) -> Option<Vec<u8>> {
        let mark = b"url=";
        let at = value.windows(mark.len()).position(|part| part.eq_ignore_ascii_case(mark))? + mark.len();
        let (before, place) = value.split_at_checked(at)?;
        Some([before, &self.location(place, allowance)?].concat())
    }

    /// What a `Set-Cookie` says instead.
    #[must_use]
    pub fn cookie(&self, value: &[u8], allowance: &mut Allowance) -> Option<Vec<u8>> {
        let mut parts = value.split(|byte| *byte == b';');
        let pair = parts.next()?;
        let (name, _) = halves(pair).filter(|(name, _)| !name.trim_ascii().is_empty())?;
        // It is for one host and the path `/`, or no browser takes it (RFC 6265bis §4.1.3.2).
        let is_of_host = name.trim_ascii().get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case(b"__Host-"));
        let (mut out, mut changed) = (pair.to_vec(), false);
        for part in parts {
            out.push(b';');
            match self.attribute(part, is_of_host, allowance) {
                Some(instead) => {
                    changed = true;
                    out.extend_from_slice(&instead);
                }
                None => out.extend_from_slice(part),
            }
        }
        changed.then_some(out)
    }

    /// What an attribute says instead.
    fn attribute(&self, part: &[u8], is_of_host: bool, allowance: &mut Allowance) -> Option<Vec<u8>> {
        let (name, value) = halves(part)?;
        let (rule, extent) = match name.trim_ascii() {
            name if name.eq_ignore_ascii_case(b"domain") => (self.domain.as_ref()?, Extent::All),
            name if name.eq_ignore_ascii_case(b"path") => (self.path.as_ref()?, Extent::Beginning),
            _ => return None,
        };
        let mut said = value.trim_ascii();
        if extent == Extent::All {
            // A dot before a domain says nothing (RFC 6265 §5.2.3), and stays.
            said = said.strip_prefix(b".").unwrap_or(said);
        }
        if said.is_empty() {
            return None;
        }
        let instead = rule.value.apply(said, extent, allowance)?;
        allowance.make(rule.further.len())?;
        let breaks_out = instead.iter().any(|byte| *byte < b' ' || *byte == 0x7f || *byte == b';');
        if breaks_out || (is_of_host && instead != said) {
            return None;
        }
        let before = part.get(..part.len() - value.len())?;
        let spaces = value.len() - value.trim_ascii_start().len();
        let dot: &[u8] = if value.trim_ascii().len() > said.len() { b"." } else { b"" };
        Some([before, value.get(..spaces)?, dot, &instead, &rule.further].concat())
    }
}

/// What is before the first `=`, and what is behind it.
fn halves(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = part.iter().position(|byte| *byte == b'=')?;
    Some((part.get(..at)?, part.get(at + 1..)?))
}

/// A request that nothing is known of, for texts without variables.
const NOBODY: Request<'static> = Request {
    method: b"GET",
    secure: false,
    host: "",
    authority: b"",
    path: b"/",
    query: None,
    uri: b"/",
    client: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    fields: &NoFields,
};

struct NoFields;

impl crate::request::Fields for NoFields {
    fn each<'f>(&'f self, _: &str, _: &mut dyn FnMut(&'f [u8])) {}
}

#[cfg(test)]
mod tests;
