use bulkhead_compile::{Object, Options};
use k8s_openapi::api::core::v1::Service;

use super::*;

fn key(name: &str) -> Key {
    let (namespace, name) = name.split_once('/').unwrap();
    Key { kind: Kind::Service, namespace: namespace.to_owned(), name: name.to_owned() }
}

fn applied(name: &str) -> Event {
    let mut service = Service::default();
    let key = key(name);
    service.metadata.namespace = Some(key.namespace);
    service.metadata.name = Some(key.name);
    Event::Applied(Object::from(service))
}

fn restarted(scope: &Scope) -> Event {
    Event::Restarted { kind: Kind::Service, scope: scope.clone() }
}

fn completed(scope: &Scope) -> Event {
    Event::Completed { kind: Kind::Service, scope: scope.clone() }
}

fn named(namespace: &str) -> Scope {
    Scope::Namespace(namespace.to_owned())
}

fn services(scopes: &[Scope]) -> BTreeSet<(Kind, Scope)> {
    scopes.iter().map(|scope| (Kind::Service, scope.clone())).collect()
}

/// A store that expects Services in `scopes` and has completely listed `names` in each.
fn store(scopes: &[Scope], names: &[&str]) -> Store {
    let mut store = Store::new(Compiler::new(Options { loopback_endpoints: true, ..Options::default() }));
    store.expect(&services(scopes));
    for scope in scopes {
        store.take(vec![restarted(scope)]);
        store
            .take(names.iter().filter(|name| scope.contains(&key(name).namespace)).map(|name| applied(name)).collect());
        store.take(vec![completed(scope)]);
    }
    store
}

fn known(store: &mut Store) -> Vec<String> {
    let mut names: Vec<String> =
        store.compiler().keys(Kind::Service).into_iter().map(|key| format!("{}/{}", key.namespace, key.name)).collect();
    names.sort();
    names
}

#[test]
fn a_list_deletes_what_it_did_not_name_only_when_it_is_complete() {
    let mut store = store(&[Scope::All], &["a/x", "a/y"]);
    store.take(vec![restarted(&Scope::All), applied("a/y"), applied("a/z")]);
    assert_eq!(known(&mut store), ["a/x", "a/y", "a/z"], "a list that is not complete proves nothing");
    store.take(vec![completed(&Scope::All)]);
    assert_eq!(known(&mut store), ["a/y", "a/z"]);
}

#[test]
fn a_list_that_breaks_off_and_begins_again_counts_from_its_second_start() {
    let mut store = store(&[Scope::All], &["a/x", "a/y"]);
    store.take(vec![restarted(&Scope::All), applied("a/x")]);
    store.take(vec![restarted(&Scope::All), applied("a/y"), completed(&Scope::All)]);
    assert_eq!(known(&mut store), ["a/y"]);
}

#[test]
fn a_list_of_one_namespace_says_nothing_of_another() {
    let mut store = store(&[named("a"), named("b")], &["a/x", "b/x"]);
    store.take(vec![restarted(&named("a")), completed(&named("a"))]);
    assert_eq!(known(&mut store), ["b/x"]);
}

#[test]
fn nothing_is_complete_before_every_list_was_once_and_then_it_stays_so() {
    let mut store = Store::new(Compiler::new(Options { loopback_endpoints: true, ..Options::default() }));
    store.expect(&services(&[named("a"), named("b")]));
    assert_eq!(store.incomplete().count(), 2);
    store.take(vec![completed(&named("a"))]);
    assert_eq!(store.incomplete().count(), 2, "a list that never began cannot be complete");
    store.take(vec![restarted(&named("a")), completed(&named("a"))]);
    assert_eq!(store.incomplete().map(|(_, scope)| scope).collect::<Vec<_>>(), [&named("b")]);
    store.take(vec![restarted(&named("b")), completed(&named("b")), restarted(&named("a"))]);
    assert_eq!(store.incomplete().count(), 0, "a later list does not take back what was known");
}

#[test]
fn a_scope_narrows_at_once_and_widens_without_a_gap() {
    let mut store = store(&[named("a"), named("b")], &["a/x", "b/x"]);
    store.expect(&services(&[named("a")]));
    assert_eq!(known(&mut store), ["a/x"]);
    store.take(vec![applied("b/late")]);
    assert_eq!(known(&mut store), ["a/x"], "a watch that was stopped may still be heard, and is not listened to");
    store.expect(&services(&[Scope::All]));
    assert_eq!(known(&mut store), ["a/x"]);
    store.take(vec![restarted(&Scope::All), applied("c/x"), completed(&Scope::All)]);
    assert_eq!(known(&mut store), ["c/x"]);
}

#[test]
fn an_object_that_cannot_be_decoded_keeps_its_last_good_state_even_through_a_list() {
    let mut store = store(&[Scope::All], &["a/x", "a/y"]);
    let undecodable = Event::Undecodable { key: key("a/x"), reason: "invalid type".to_owned() };
    store.take(vec![undecodable.clone()]);
    assert_eq!(store.problems().len(), 1);
    store.take(vec![restarted(&Scope::All), undecodable, completed(&Scope::All)]);
    assert_eq!(known(&mut store), ["a/x"]);
    store.take(vec![applied("a/x")]);
    assert!(store.problems().is_empty(), "what decodes again is no problem any more");
}

#[test]
fn a_problem_of_an_object_goes_with_the_object() {
    let mut store = store(&[Scope::All], &[]);
    store.take(vec![Event::Undecodable { key: key("a/never-good"), reason: "invalid type".to_owned() }]);
    store.take(vec![restarted(&Scope::All), completed(&Scope::All)]);
    assert!(store.problems().is_empty());
}

/// As in Cilium CVE-2024-42486, where what a grant had let in stayed when the grant was gone.
#[test]
fn what_may_no_longer_be_read_is_forgotten_and_comes_back_with_the_next_list() {
    let mut store = store(&[named("a"), named("b")], &["a/x", "b/x"]);
    store.take(vec![Event::Forbidden { kind: Kind::Service, scope: named("a") }]);
    assert_eq!(known(&mut store), ["b/x"]);
    store.take(vec![restarted(&named("a")), applied("a/x"), completed(&named("a"))]);
    assert_eq!(known(&mut store), ["a/x", "b/x"]);
}

#[test]
fn problems_are_listed_in_order_and_end_when_they_are_over() {
    let mut store = store(&[Scope::All], &[]);
    let problem = |subject: &str, problem: Option<&str>| Event::Problem {
        subject: subject.to_owned(),
        problem: problem.map(str::to_owned),
    };
    store.take(vec![problem("b.yaml", Some("line 3: wrong")), problem("a.yaml", Some("line 1: wrong"))]);
    assert_eq!(store.problems(), ["a.yaml: line 1: wrong", "b.yaml: line 3: wrong"]);
    store.take(vec![problem("a.yaml", None)]);
    assert_eq!(store.problems(), ["b.yaml: line 3: wrong"]);
}

#[test]
fn problems_are_bounded() {
    let mut store = store(&[Scope::All], &[]);
    for i in 0..2 * PROBLEMS {
        store.note(format!("{i}.yaml"), Some("wrong".to_owned()));
    }
    assert_eq!(store.problems().len(), PROBLEMS);
}

#[test]
fn a_namespace_that_may_not_be_read_is_not_waited_for_once_another_is_known() {
    let mut store = Store::new(Compiler::default());
    let lists = |namespace: &str| [(Kind::Ingress, named(namespace)), (Kind::Service, named(namespace))];
    store.expect(&[lists("a"), lists("b")].concat().into_iter().collect());
    let waited_for = |store: &Store| store.incomplete().map(|(_, scope)| scope.to_string()).collect::<BTreeSet<_>>();
    let refused = lists("b").map(|(kind, scope)| Event::Refused { kind, scope });
    store.take(refused.to_vec());
    assert_eq!(waited_for(&store).len(), 2, "nothing is known yet");
    for (kind, scope) in lists("a") {
        store.take(vec![Event::Restarted { kind, scope: scope.clone() }, Event::Completed { kind, scope }]);
    }
    assert_eq!(waited_for(&store), BTreeSet::new());
    store.take(vec![restarted(&named("b")), applied("b/x"), completed(&named("b"))]);
    assert_eq!(known(&mut store), ["b/x"], "it is taken when the right comes");
}
