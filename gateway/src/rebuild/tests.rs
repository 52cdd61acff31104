use bulkhead_compile::Object;

use super::*;
use crate::lane::LaneError;
use crate::source::Event;
use crate::source::manifest::{self, Content};
use crate::testing::{lane_document, manifests};

struct Fixture {
    rebuild: Rebuild,
    state: watch::Receiver<Arc<ControlState>>,
}

impl Fixture {
    fn new() -> Self {
        let (sender, state) = watch::channel(Arc::default());
        let rebuild =
            Rebuild::new(Options { loopback_endpoints: true, ..Options::default() }, Publication::new(), sender);
        Self { rebuild, state }
    }

    fn lane(&mut self) {
        self.rebuild.take_lane(Ok(Box::new(lane_document()))).unwrap();
        self.rebuild.expect(&Kind::ALL.map(|kind| (kind, Scope::All)).into()).unwrap();
        self.rebuild.advance().unwrap();
    }

    fn list(&mut self, objects: Vec<Object>) {
        let mut batch: Batch = Kind::ALL.map(|kind| Event::Restarted { kind, scope: Scope::All }).into();
        batch.extend(objects.into_iter().map(Event::Applied));
        batch.extend(Kind::ALL.map(|kind| Event::Completed { kind, scope: Scope::All }));
        self.rebuild.take(batch).unwrap();
        self.rebuild.advance().unwrap();
    }

    fn state(&self) -> Arc<ControlState> {
        Arc::clone(&self.state.borrow())
    }
}

fn objects() -> Vec<Object> {
    let manifests = manifest::parse(&manifests(9999)).unwrap().into_iter();
    let objects = manifests.filter_map(|manifest| match manifest.content {
        Content::Object(object) => Some(object),
        Content::Other(_) => None,
    });
    objects.collect()
}

#[test]
fn nothing_is_published_before_the_lane_and_every_list_are_known() {
    let mut fixture = Fixture::new();
    fixture.rebuild.advance().unwrap();
    assert_eq!(fixture.state().waiting_for, ["the lane document"]);
    fixture.lane();
    assert_eq!(fixture.state().waiting_for.len(), Kind::ALL.len(), "{:?}", fixture.state().waiting_for);
    assert_eq!(fixture.state().published, 0);
    fixture.list(objects());
    let state = fixture.state();
    assert!(state.waiting_for.is_empty(), "{:?}", state.waiting_for);
    assert!(state.published > 0);
    assert_eq!((state.counts.ingresses, state.counts.routes), (1, 1), "{:?} {:?}", state.classes, state.findings);
    assert_eq!(state.generations, [(state.published, lane_document().config_generation)]);
}

#[test]
fn a_revision_is_loaded_only_when_the_keyring_it_names_was_read() {
    let mut fixture = Fixture::new();
    let read = |shards: &[&str]| Event::KeyringRead { shards: shards.iter().map(|&shard| shard.to_owned()).collect() };
    let document = |shards: &[&str]| {
        let keyring = shards.iter().map(|&shard| shard.to_owned()).collect();
        bulkhead_crds::lane::LaneDocument { keyring, ..lane_document() }.stamped()
    };
    fixture.lane();
    fixture.list(objects());
    fixture.rebuild.take(vec![read(&["k-0"])]).unwrap();
    let revision = |fixture: &Fixture| fixture.state().revisions.last().map(|(_, revision)| revision.clone());
    for (shards, read, loaded) in [
        (vec!["k-0"], None, vec!["k-0"]),
        (vec!["k-0", "k-1"], None, vec!["k-0"]),
        (vec!["k-0", "k-1"], Some(read(&["k-0"])), vec!["k-0"]),
        (vec!["k-0", "k-1"], Some(read(&["k-0", "k-1"])), vec!["k-0", "k-1"]),
    ] {
        fixture.rebuild.take_lane(Ok(Box::new(document(&shards)))).unwrap();
        fixture.rebuild.take(read.into_iter().collect()).unwrap();
        fixture.rebuild.advance().unwrap();
        assert_eq!(revision(&fixture), Some(document(&loaded).revision), "{shards:?}");
    }
    let (first, _) = fixture.state().revisions.last().unwrap().clone();
    assert_eq!(first, fixture.state().published);
}

#[test]
fn a_revision_is_loaded_only_when_its_namespaces_were_listed() {
    let mut fixture = Fixture::new();
    fixture.lane();
    fixture.list(objects());
    let mut wider = lane_document();
    wider.config_generation += 1;
    let wider = wider.stamped();
    fixture.rebuild.take_lane(Ok(Box::new(wider.clone()))).unwrap();
    let lists: BTreeSet<_> = Kind::ALL.map(|kind| (kind, Scope::All)).into();
    let named = (Kind::Ingress, Scope::Namespace("late".to_owned()));
    fixture.rebuild.expect(&lists.into_iter().chain([named.clone()]).collect()).unwrap();
    fixture.rebuild.advance().unwrap();
    let loaded = |fixture: &Fixture| fixture.state().revisions.last().is_some_and(|(_, last)| *last == wider.revision);
    assert!(!loaded(&fixture));
    let (kind, scope) = named;
    let list = vec![Event::Restarted { kind, scope: scope.clone() }, Event::Completed { kind, scope }];
    fixture.rebuild.take(list).unwrap();
    fixture.rebuild.advance().unwrap();
    assert!(loaded(&fixture));
}

#[test]
fn a_class_that_goes_while_no_ingress_names_it_is_no_longer_called_served() {
    let mut fixture = Fixture::new();
    fixture.lane();
    let classes = |object: &Object| object.key().kind == Kind::IngressClass;
    fixture.list(objects().into_iter().filter(classes).collect());
    assert!(fixture.state().classes[0].served);
    fixture.list(Vec::new());
    assert!(!fixture.state().classes[0].served);
}

#[test]
fn equal_input_publishes_nothing() {
    let mut fixture = Fixture::new();
    fixture.lane();
    fixture.list(objects());
    let before = fixture.state().published;
    fixture.list(objects());
    fixture.lane();
    assert_eq!(fixture.state().published, before);
}

/// Empty fields in a policy that was everywhere within seconds ended a large API on 12 June 2025: here the last good one stays.
#[test]
fn a_bad_lane_document_leaves_the_last_good_one_in_force_and_is_shown() {
    let mut fixture = Fixture::new();
    fixture.lane();
    fixture.list(objects());
    let before = fixture.state().published;
    let error = LaneError::Version { found: "v0".to_owned() };
    assert_eq!(fixture.rebuild.take_lane(Err(error)), Ok(false));
    fixture.rebuild.advance().unwrap();
    let state = fixture.state();
    assert_eq!((state.published, state.counters.lane_documents_refused), (before, 1));
    assert!(state.source_problems[0].contains("version \"v0\""), "{:?}", state.source_problems);
    fixture.lane();
    assert!(fixture.state().source_problems.is_empty(), "a good document ends the problem");
}

/// A file that was too long made every proxy of a large network panic on 18 November 2025, again with each reload.
#[test]
fn a_panic_keeps_what_was_published_and_everything_is_compiled_anew_afterwards() {
    let mut fixture = Fixture::new();
    fixture.lane();
    fixture.list(objects());
    let before = fixture.state();
    let panic = fixture.rebuild.guarded(|_| panic!("a mast broke")).unwrap_err();
    assert!(panic.to_string().contains("a mast broke"));
    let state = fixture.state();
    assert_eq!((state.published, state.counters.compile_panics), (before.published, 1));
    assert_eq!(state.waiting_for, [panic.to_string()]);

    fixture.rebuild.forget().unwrap();
    fixture.rebuild.expect(&Kind::ALL.map(|kind| (kind, Scope::All)).into()).unwrap();
    fixture.rebuild.advance().unwrap();
    assert_eq!(fixture.state().published, before.published, "nothing is published while lists are incomplete");
    fixture.list(objects());
    let after = fixture.state();
    assert!(after.waiting_for.is_empty(), "{:?}", after.waiting_for);
    assert_eq!(after.counts, before.counts);
    assert!(after.published >= before.published, "numbers never go back");
}
