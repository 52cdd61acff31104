//! The keyring as a source: the named Secrets of a lane, which hold copies of those that its Ingresses refer to.
//!
//! What a gateway's identity must be allowed: list and watch of exactly these Secrets. Whatever changes in one of them, all
//! that they hold is told again as one complete list in one batch: a certificate and its key never come apart.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_compile::{KeyringEntry, Kind, Object};
use bulkhead_crds::keyring::{EntryKind, EntryName};
use bulkhead_crds::lane::LaneDocument;
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::watcher;
use kube::{Api, Client};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::watch::{News, Watch};
use super::{Batch, Event, Events, Scope};

/// Changes of shards that may wait: each replaces the last of its shard.
const CHANGES: usize = 16;

/// Kinds of object that a keyring has copies of, and that are read from nowhere else.
pub const COPIED: [Kind; 2] = [Kind::Secret, Kind::ConfigMap];

/// The Secrets that a keyring is spread over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring {
    /// Their namespace.
    pub namespace: String,
    /// Their names.
    pub shards: BTreeSet<String>,
}

impl Keyring {
    /// The keyring of a lane.
    #[must_use]
    pub fn of(lane: &LaneDocument) -> Self {
        Self { namespace: lane.identity.namespace.clone(), shards: lane.keyring.iter().cloned().collect() }
    }
}

/// What is known of one shard.
enum Told {
    /// All that it holds now; nothing when it does not exist.
    Held(Entries),
    /// Why it cannot be read at the moment, or that it can be again.
    Problem(Option<String>),
}

/// Entries by the name of their key in a shard.
type Entries = BTreeMap<String, Vec<u8>>;

/// Watches a keyring until nobody listens any more.
pub async fn follow(client: Client, keyring: Keyring, events: Events) {
    let (send, mut changes) = mpsc::channel(CHANGES);
    let mut tasks = JoinSet::new();
    for shard in &keyring.shards {
        tasks.spawn(follow_shard(client.clone(), keyring.namespace.clone(), shard.clone(), send.clone()));
    }
    drop(send);
    let mut known: BTreeMap<String, Entries> = BTreeMap::new();
    if keyring.shards.is_empty() && events.send(list(&known)).await.is_err() {
        return;
    }
    while let Some((shard, news)) = changes.recv().await {
        let batch = match news {
            Told::Problem(problem) => {
                let subject = format!("watch of keyring Secret {}/{shard}", keyring.namespace);
                vec![Event::Problem { subject, problem }]
            }
            Told::Held(entries) => {
                known.insert(shard, entries);
                // Before every shard is known, nothing of the others proves that something is gone.
                if known.len() < keyring.shards.len() {
                    continue;
                }
                list(&known)
            }
        };
        if events.send(batch).await.is_err() {
            return;
        }
    }
}

/// Everything in the keyring, as one complete list.
fn list(shards: &BTreeMap<String, Entries>) -> Batch {
    let mut copied: BTreeMap<(EntryKind, String, String), BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for (name, content) in shards.values().flatten() {
        let Some(EntryName { kind, namespace, name, key }) = EntryName::parse(name) else { continue };
        copied.entry((kind, namespace, name)).or_default().insert(key, content.clone());
    }
    let objects = copied.into_iter().map(|((kind, namespace, name), data)| {
        let entry = KeyringEntry { namespace, name, data };
        Event::Applied(match kind {
            EntryKind::Secret => Object::Secret(entry),
            EntryKind::ConfigMap => Object::ConfigMap(entry),
        })
    });
    let begin = COPIED.map(|kind| Event::Restarted { kind, scope: Scope::All });
    let end = COPIED.map(|kind| Event::Completed { kind, scope: Scope::All });
    let read = Event::KeyringRead { shards: shards.keys().cloned().collect() };
    begin.into_iter().chain(objects).chain(end).chain([read]).collect()
}

async fn follow_shard(client: Client, namespace: String, shard: String, changes: mpsc::Sender<(String, Told)>) {
    // A rule with resourceNames grants a list only when the list asks for that name.
    let config = watcher::Config::default().fields(&format!("metadata.name={shard}"));
    let mut watch = Watch::new(Api::<Secret>::namespaced(client, &namespace), config);
    let (mut listed, mut troubled) = (None, false);
    loop {
        let next = watch.next().await;
        let well = !matches!(next, Err(_) | Ok(News::Event(watcher::Event::Init)));
        let news = match next {
            Ok(News::Event(watcher::Event::Init)) => {
                listed = None;
                None
            }
            Ok(News::Event(watcher::Event::InitApply(secret))) => {
                listed = Some(entries(secret));
                None
            }
            Ok(News::Event(watcher::Event::InitDone)) => Some(Told::Held(listed.take().unwrap_or_default())),
            Ok(News::Event(watcher::Event::Apply(secret))) => Some(Told::Held(entries(secret))),
            Ok(News::Event(watcher::Event::Delete(_))) => Some(Told::Held(Entries::new())),
            Ok(News::Well) => None,
            Err(trouble) => {
                troubled = true;
                tracing::warn!(namespace, shard, error = %trouble, "the watch of a keyring Secret failed, it is tried again");
                Some(Told::Problem(Some(trouble.to_string())))
            }
        };
        let recovered = (well && std::mem::take(&mut troubled)).then_some(Told::Problem(None));
        for news in recovered.into_iter().chain(news) {
            if changes.send((shard.clone(), news)).await.is_err() {
                return;
            }
        }
    }
}

fn entries(secret: Secret) -> Entries {
    secret.data.into_iter().flatten().map(|(key, content)| (key, content.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(entries: &[(&str, &str)]) -> Entries {
        entries.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec())).collect()
    }

    #[test]
    fn shards_are_put_together_by_the_secrets_they_are_copies_of() {
        let shards = BTreeMap::from([
            ("k-0".to_owned(), shard(&[("shop_web_tls.crt", "chain"), ("shop_web_tls.key", "key"), ("odd", "x")])),
            ("k-1".to_owned(), shard(&[("bank_web_tls.crt", "other"), ("ConfigMap_shop_web_X-A", "value")])),
        ]);
        let batch = list(&shards);
        assert!(matches!(batch.first(), Some(Event::Restarted { kind: Kind::Secret, scope: Scope::All })));
        assert!(matches!(
            batch.last_chunk(),
            Some([Event::Completed { kind: Kind::ConfigMap, scope: Scope::All }, Event::KeyringRead { shards }]) if shards.len() == 2
        ));
        let maps: Vec<_> = batch.iter().filter(|event| matches!(event, Event::Applied(Object::ConfigMap(_)))).collect();
        assert_eq!(maps.len(), 1);
        let held: Vec<_> = batch
            .iter()
            .filter_map(|event| match event {
                Event::Applied(Object::Secret(entry)) => Some((
                    entry.namespace.as_str(),
                    entry.name.as_str(),
                    entry.data.keys().map(String::as_str).collect(),
                )),
                _ => None,
            })
            .collect();
        assert_eq!(held, [("bank", "web", vec!["tls.crt"]), ("shop", "web", vec!["tls.crt", "tls.key"])]);
        assert!(!format!("{batch:?}").contains("chain"), "content is never shown");
    }
}
