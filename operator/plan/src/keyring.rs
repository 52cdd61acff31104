//! How the keys of a lane are spread over Secrets.
//!
//! A Secret holds at most 1 MiB, so a keyring is cut into shards. All entries of one copied object lie in one shard: a certificate and its
//! private key change together or not at all. An object stays in its shard, because moving it would show gateways a moment without
//! it; only one that grows may have to move, whatever else comes and goes.

use std::collections::BTreeMap;
use std::fmt;

pub use bulkhead_crds::keyring::{EntryKind, EntryName};
use bulkhead_crds::names::LaneName;
use k8s_openapi::api::core::v1::Secret;

use crate::names;

/// Most bytes of a shard. Kubernetes refuses a Secret with more than 1 MiB of data (`MaxSecretSize`); what is left is for growth of
/// metadata, which etcd counts as well.
pub const SHARD_BYTES: usize = 900 * 1024;
/// Longest key in the data of a Secret (Kubernetes: `DNS1123SubdomainMaxLength`).
const ENTRY_NAME_BYTES: usize = 253;

/// What goes into the keyring of a lane.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeyringInput {
    /// Every entry that the lane needs, and its content.
    pub entries: BTreeMap<EntryName, Vec<u8>>,
    /// Where each entry is now, as [`present`] reads it. Entries that are no longer needed do no harm.
    pub present: BTreeMap<EntryName, Place>,
    /// What is asked for as well and is not in `entries`, because it must not be copied.
    pub refused: Vec<RefusedEntry>,
}

/// Where an entry is, and how much room it takes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the shard.
    pub shard: u32,
    /// Bytes of content.
    pub bytes: usize,
}

/// Sizes only: private keys must not end up in a log.
impl fmt::Debug for KeyringInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: BTreeMap<_, _> =
            self.entries.iter().map(|(name, content)| (name.to_string(), content.len())).collect();
        f.debug_struct("KeyringInput")
            .field("entries", &sizes)
            .field("present", &self.present.len())
            .field("refused", &self.refused)
            .finish()
    }
}

/// Where every entry is, among the Secrets of an instance. Secrets that are no shard of the lane are passed over.
#[must_use]
pub fn present<'a>(
    instance: &str,
    lane: LaneName,
    secrets: impl IntoIterator<Item = &'a Secret>,
) -> BTreeMap<EntryName, Place> {
    let mut present = BTreeMap::new();
    for secret in secrets {
        let name = secret.metadata.name.as_deref().unwrap_or_default();
        let Some(shard) = names::keyring_shard(instance, lane, name) else { continue };
        for (key, content) in secret.data.iter().flatten() {
            let Some(entry) = EntryName::parse(key) else { continue };
            present.insert(entry, Place { shard, bytes: content.0.len() });
        }
    }
    present
}

/// An entry that is in no shard, although an Ingress refers to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("cannot copy key {} of {} {}/{} into the keyring: {why}", .entry.key, .entry.kind, .entry.namespace, .entry.name)]
pub struct RefusedEntry {
    /// The entry.
    pub entry: EntryName,
    /// Why.
    pub why: RefusedBecause,
}

/// Why an entry is in no shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum RefusedBecause {
    /// The entries of its object alone exceed [`SHARD_BYTES`].
    #[error("what is needed of the Secret exceeds 900 KiB; split it")]
    TooLarge,
    /// Namespace, name and key together are longer than a key of a Secret may be.
    #[error("namespace, name and key together exceed 251 characters; give the Secret a shorter name")]
    NameTooLong,
    /// The Secret is not of the type that certificates with their keys have: it may be anybody's token.
    #[error("only certificates in Secrets of the type kubernetes.io/tls are copied")]
    WrongType,
    /// Its value alone is longer than what is asked for ever is.
    #[error("its value is longer than 128 KiB")]
    ValueTooLong,
    /// It is not, or not only, the hash of a password: it may be anybody's password.
    #[error("only users whose passwords are hashed, in a form that is taken, are copied")]
    NotHashed,
    /// There are more values than are asked for ever are, or it is longer than they are.
    #[error("of a ConfigMap 64 values are copied, and none that is longer than 4 KiB; of a Secret 3,000 users")]
    TooMany,
}

/// A keyring cut into shards.
pub(crate) struct Shards<'a> {
    /// Entries by shard. Shard 0 is always there, others only with entries, not always in a row.
    pub(crate) contents: BTreeMap<u32, BTreeMap<String, &'a [u8]>>,
    /// Entries that are in none, in order.
    pub(crate) refused: Vec<RefusedEntry>,
}

/// The needed entries of one copied object.
#[derive(Default)]
struct Group<'a> {
    entries: Vec<(&'a EntryName, &'a [u8])>,
    /// Room that the entries need.
    bytes: usize,
    /// The shard they are in; the lowest, should an earlier version have scattered them.
    home: Option<u32>,
    /// Room that they take there.
    at_home: usize,
}

impl<'a> Group<'a> {
    fn push(&mut self, name: &'a EntryName, content: &'a [u8], place: Option<&Place>) {
        self.bytes += room(name, content.len());
        self.entries.push((name, content));
        let Some(place) = place else { return };
        if self.home.is_none_or(|home| place.shard < home) {
            (self.home, self.at_home) = (Some(place.shard), 0);
        }
        if self.home == Some(place.shard) {
            self.at_home += room(name, place.bytes);
        }
    }
}

/// Bytes that an entry takes. Its name is stored twice: in the data, and in managedFields as a field of ours.
fn room(name: &EntryName, content_bytes: usize) -> usize {
    content_bytes + 2 * name.to_string().len()
}

/// Cuts a keyring into shards of at most [`SHARD_BYTES`]: first what is there and has not grown, which always fits, then what has
/// grown, then what is new.
pub(crate) fn shards(input: &KeyringInput) -> Shards<'_> {
    let (mut groups, mut refused) = groups(input);
    for group in groups.extract_if(.., |group| group.bytes > SHARD_BYTES) {
        let names = group.entries.into_iter().map(|(entry, _)| entry.clone());
        refused.extend(names.map(|entry| RefusedEntry { entry, why: RefusedBecause::TooLarge }));
    }
    // The sort is stable: within a rank the order of names decides.
    groups.sort_by_key(|group| (group.home.is_none(), group.bytes > group.at_home));
    let mut packing = Packing { used: BTreeMap::new(), contents: [(0, BTreeMap::new())].into() };
    for group in groups {
        let home = group.home.filter(|home| packing.has_room(*home, group.bytes));
        let shard = home.unwrap_or_else(|| packing.first_with_room(group.bytes));
        packing.put(shard, group);
    }
    refused.sort();
    Shards { contents: packing.contents, refused }
}

/// The entries by the Secret they are copied from, in order of name, and those whose name is too long to be written.
fn groups(input: &KeyringInput) -> (Vec<Group<'_>>, Vec<RefusedEntry>) {
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    let mut refused = Vec::new();
    for (name, content) in &input.entries {
        if name.to_string().len() > ENTRY_NAME_BYTES {
            refused.push(RefusedEntry { entry: name.clone(), why: RefusedBecause::NameTooLong });
            continue;
        }
        let of = (name.kind, name.namespace.as_str(), name.name.as_str());
        groups.entry(of).or_default().push(name, content, input.present.get(name));
    }
    (groups.into_values().collect(), refused)
}

/// Shards while they are filled.
struct Packing<'a> {
    used: BTreeMap<u32, usize>,
    contents: BTreeMap<u32, BTreeMap<String, &'a [u8]>>,
}

impl<'a> Packing<'a> {
    fn has_room(&self, shard: u32, bytes: usize) -> bool {
        self.used.get(&shard).copied().unwrap_or_default() + bytes <= SHARD_BYTES
    }

    /// The lowest shard with room; one that does not exist yet has.
    fn first_with_room(&self, bytes: usize) -> u32 {
        (0..u32::MAX).find(|shard| self.has_room(*shard, bytes)).unwrap_or(u32::MAX)
    }

    fn put(&mut self, shard: u32, group: Group<'a>) {
        *self.used.entry(shard).or_default() += group.bytes;
        let contents = self.contents.entry(shard).or_default();
        contents.extend(group.entries.into_iter().map(|(entry, content)| (entry.to_string(), content)));
    }
}

#[cfg(test)]
mod tests;
