//! All Secrets at hand, and the certificates in those that somebody has asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::Certificate;

use crate::certificate::{self, BadCertificate};
use crate::name::Name;

/// Secrets by name. A certificate is parsed when it is first asked for, and stays the same one until its Secret changes.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    held: BTreeMap<Name, Held>,
}

struct Held {
    data: BTreeMap<String, Vec<u8>>,
    parsed: Option<Result<Arc<Certificate>, BadCertificate>>,
}

/// Nothing of a Secret must end up in a log.
impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("parsed", &self.parsed).finish_non_exhaustive()
    }
}

impl Secrets {
    /// Puts a Secret in, or takes it out; whether that changes anything.
    pub(crate) fn set(&mut self, name: &Name, data: Option<BTreeMap<String, Vec<u8>>>) -> bool {
        if self.held.get(name).map(|held| &held.data) == data.as_ref() {
            return false;
        }
        match data {
            Some(data) => self.held.insert(name.clone(), Held { data, parsed: None }),
            None => self.held.remove(name),
        };
        true
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.held.keys()
    }

    /// The certificate in a Secret; `None` when there is no such Secret.
    pub(crate) fn certificate(&mut self, name: &Name) -> Option<Result<Arc<Certificate>, BadCertificate>> {
        let held = self.held.get_mut(name)?;
        let Held { data, parsed } = held;
        Some(parsed.get_or_insert_with(|| certificate::parse(&name.to_string(), data)).clone())
    }
}
