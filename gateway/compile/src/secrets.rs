//! All Secrets at hand, and what is in those that somebody has asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::authentication::Users;
use bulkhead_model::password::BadHash;
use bulkhead_model::{Certificate, ClientRoots};
use rustls::RootCertStore;

use crate::authority::{self, Authority, BadAuthority};
use crate::certificate::{self, BadCertificate};
use crate::client_roots::{self, BadClientRoots};
use crate::name::Name;
use crate::users::{self, BadUsers, Form};

/// Secrets by name. What is in one is parsed when it is first asked for, and stays the same until the Secret changes.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    held: BTreeMap<Name, Held>,
    /// Certification authorities that everybody believes.
    pub(crate) platform: Option<Arc<RootCertStore>>,
    /// Last version given away; versions are never used twice.
    last_version: u64,
}

struct Held {
    data: BTreeMap<String, Vec<u8>>,
    version: u64,
    parsed: Option<Result<Arc<Certificate>, BadCertificate>>,
    authority: Option<Result<Arc<Authority>, BadAuthority>>,
    client_roots: Option<Result<Arc<ClientRoots>, BadClientRoots>>,
    users: BTreeMap<Form, Result<UserList, BadUsers>>,
}

/// Users, and how many of the entries are none, with why the first is not.
type UserList = (Arc<Users>, Option<(usize, BadHash)>);

/// Nothing of a Secret must end up in a log.
impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("parsed", &self.parsed).finish_non_exhaustive()
    }
}

impl Secrets {
    /// None yet; `platform` are the certification authorities that everybody believes.
    pub(crate) fn new(platform: Option<Arc<RootCertStore>>) -> Self {
        Self { platform, ..Self::default() }
    }

    /// Puts a Secret in, or takes it out; whether that changes anything.
    pub(crate) fn set(&mut self, name: &Name, data: Option<BTreeMap<String, Vec<u8>>>) -> bool {
        if self.held.get(name).map(|held| &held.data) == data.as_ref() {
            return false;
        }
        self.last_version += 1;
        let version = self.last_version;
        match data {
            Some(data) => {
                let (parsed, authority, client_roots, users) = (None, None, None, BTreeMap::new());
                self.held.insert(name.clone(), Held { data, version, parsed, authority, client_roots, users })
            }
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
        let Held { data, parsed, .. } = held;
        Some(parsed.get_or_insert_with(|| certificate::parse(&name.to_string(), data)).clone())
    }

    /// What a Secret holds for TLS towards backends, and which version of it; `None` when there is no such Secret.
    pub(crate) fn authority(&mut self, name: &Name) -> Option<(Result<Arc<Authority>, BadAuthority>, u64)> {
        let held = self.held.get_mut(name)?;
        let Held { data, authority, version, .. } = held;
        let parsed = authority.get_or_insert_with(|| authority::parse(&name.to_string(), data));
        Some((parsed.clone(), *version))
    }

    /// The issuers of client certificates in a Secret; `None` when there is no such Secret.
    pub(crate) fn client_roots(&mut self, name: &Name) -> Option<Result<Arc<ClientRoots>, BadClientRoots>> {
        let held = self.held.get_mut(name)?;
        let Held { data, client_roots, .. } = held;
        Some(client_roots.get_or_insert_with(|| client_roots::parse(&name.to_string(), data)).clone())
    }

    /// The users in a Secret; `None` when there is no such Secret.
    pub(crate) fn users(&mut self, name: &Name, form: Form) -> Option<Result<UserList, BadUsers>> {
        let held = self.held.get_mut(name)?;
        let (data, last_version) = (&held.data, &mut self.last_version);
        let read = held.users.entry(form).or_insert_with(|| {
            // A version of its own: the same Secret may be read in both forms.
            *last_version += 1;
            users::parse(data, form, (&name.namespace, *last_version)).map(|list| (Arc::new(list.users), list.left_out))
        });
        Some(read.clone())
    }
}
