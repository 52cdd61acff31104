//! The Secrets that hold copies of what a lane's Ingresses refer to.

use std::collections::BTreeMap;

use bulkhead_crds::names::KEYRING_SECRET_TYPE;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use crate::keyring::{self, KeyringInput, RefusedEntry};
use crate::lane::context::LaneContext;
use crate::{metadata, names};

/// A keyring as objects.
pub(super) struct Keyring {
    /// One Secret a shard, in order of shard; the first is shard 0.
    pub(super) secrets: Vec<Secret>,
    /// What is in none of them.
    pub(super) refused: Vec<RefusedEntry>,
}

/// The keyring of the lane.
pub(super) fn build(lane: &LaneContext<'_>) -> Keyring {
    let empty = KeyringInput::default();
    let input = lane.gathered.keyrings.get(&lane.name).unwrap_or(&empty);
    let shards = keyring::shards(input);
    let secret = |(shard, entries): (u32, BTreeMap<String, &[u8]>)| Secret {
        metadata: metadata::owned(lane, names::keyring(lane.instance.name(), lane.name, shard)),
        type_: Some(KEYRING_SECRET_TYPE.to_owned()),
        data: Some(entries.into_iter().map(|(name, content)| (name, ByteString(content.to_vec()))).collect()),
        ..Secret::default()
    };
    let refused = input.refused.iter().cloned().chain(shards.refused).collect();
    Keyring { secrets: shards.contents.into_iter().map(secret).collect(), refused }
}
