use k8s_openapi::ByteString;
use proptest::prelude::*;

use super::*;

fn input(entries: &[(&str, &str, &str, usize)]) -> KeyringInput {
    let entry = |(namespace, name, key, size): &(&str, &str, &str, usize)| {
        (EntryName::new(namespace, name, key), vec![0; *size])
    };
    KeyringInput { entries: entries.iter().map(entry).collect(), ..KeyringInput::default() }
}

/// Where each entry ended up.
fn places(shards: &Shards<'_>) -> BTreeMap<EntryName, u32> {
    let parse = |name: &String| EntryName::parse(name).unwrap();
    shards.contents.iter().flat_map(|(shard, entries)| entries.keys().map(move |name| (parse(name), *shard))).collect()
}

/// Every Secret of the keyring as the API server holds it.
fn secrets(shards: &Shards<'_>) -> Vec<Secret> {
    let secret = |(shard, entries): (&u32, &BTreeMap<String, &[u8]>)| {
        let mut secret = Secret::default();
        secret.metadata.name = Some(names::keyring("quay", LaneName::NorthSouth, *shard));
        secret.data =
            Some(entries.iter().map(|(name, content)| (name.clone(), ByteString(content.to_vec()))).collect());
        secret
    };
    shards.contents.iter().map(secret).collect()
}

fn read_present(shards: &Shards<'_>) -> BTreeMap<EntryName, Place> {
    present("quay", LaneName::NorthSouth, &secrets(shards))
}

#[test]
fn an_empty_keyring_is_one_empty_shard() {
    let input = KeyringInput::default();
    assert_eq!(shards(&input).contents, [(0, BTreeMap::new())].into());
}

#[test]
fn an_entry_name_is_read_back_even_if_its_key_holds_underscores() {
    let entry = EntryName::new("pier", "tls.example", "client_ca_1.crt");
    assert_eq!(entry.to_string(), "pier_tls.example_client_ca_1.crt");
    assert_eq!(EntryName::parse(&entry.to_string()), Some(entry));
}

#[test]
fn a_config_map_and_a_secret_of_one_name_are_two() {
    let mut input = input(&[("a", "x", "k", 1)]);
    input.entries.insert(EntryName::of_config_map("a", "x", "k"), vec![0; 2]);
    let shards = shards(&input);
    let sizes: Vec<(&str, usize)> = shards.contents[&0].iter().map(|(name, value)| (&**name, value.len())).collect();
    assert_eq!(sizes, [("ConfigMap_a_x_k", 2), ("a_x_k", 1)]);
    assert_eq!(read_present(&shards).len(), 2);
}

#[test]
fn what_is_no_entry_name_is_not_read() {
    for text in ["", "a", "a_b", "_b_c", "a__c", "a_b_"] {
        assert_eq!(EntryName::parse(text), None, "{text}");
    }
}

#[test]
fn a_certificate_and_its_key_share_a_shard() {
    let half = SHARD_BYTES / 2;
    let input = input(&[("a", "x", "k", half), ("b", "pair", "tls.crt", half - 1000), ("b", "pair", "tls.key", 2000)]);
    let shards = shards(&input);
    let places = places(&shards);
    assert_eq!(places[&EntryName::new("b", "pair", "tls.crt")], places[&EntryName::new("b", "pair", "tls.key")]);
    assert_ne!(places[&EntryName::new("b", "pair", "tls.crt")], places[&EntryName::new("a", "x", "k")]);
}

#[test]
fn a_secret_too_large_for_a_shard_is_refused_and_takes_nothing_with_it() {
    let input = input(&[("a", "big", "blob", SHARD_BYTES), ("a", "small", "k", 10)]);
    let shards = shards(&input);
    let refused = RefusedEntry { entry: EntryName::new("a", "big", "blob"), why: RefusedBecause::TooLarge };
    assert_eq!(shards.refused, [refused]);
    assert_eq!(places(&shards), [(EntryName::new("a", "small", "k"), 0)].into());
}

#[test]
fn the_largest_secret_that_fits_is_kept() {
    let name_bytes = "a_b_c".len();
    let input = input(&[("a", "b", "c", SHARD_BYTES - 2 * name_bytes)]);
    assert_eq!(shards(&input).refused, []);
}

#[test]
fn an_entry_whose_name_no_secret_can_hold_is_refused() {
    let long = "n".repeat(200);
    let input = input(&[("ns", &long, &"k".repeat(49), 1), ("ns", &long, &"k".repeat(50), 1)]);
    let refused = shards(&input).refused;
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].entry.key.len(), refused[0].why), (50, RefusedBecause::NameTooLong));
}

#[test]
fn a_withdrawn_entry_is_gone_and_leaves_the_others_where_they_were() {
    let mut input = input(&[("a", "x", "k", SHARD_BYTES - 100), ("b", "y", "k", 500)]);
    let before = read_present(&shards(&input));
    assert_eq!(before[&EntryName::new("b", "y", "k")], Place { shard: 1, bytes: 500 });
    input.entries.remove(&EntryName::new("a", "x", "k"));
    input.present = before;
    let after = shards(&input);
    assert_eq!(places(&after), [(EntryName::new("b", "y", "k"), 1)].into());
    assert_eq!(after.contents.keys().copied().collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_secret_that_outgrows_its_shard_moves_as_a_whole() {
    let mut input = input(&[("a", "x", "k", SHARD_BYTES / 2), ("b", "y", "k", 500), ("b", "y", "l", 500)]);
    input.present = read_present(&shards(&input));
    input.entries.insert(EntryName::new("b", "y", "k"), vec![0; SHARD_BYTES / 2]);
    let places = places(&shards(&input));
    assert_eq!((places[&EntryName::new("b", "y", "k")], places[&EntryName::new("b", "y", "l")]), (1, 1));
    assert_eq!(places[&EntryName::new("a", "x", "k")], 0);
}

#[test]
fn secrets_of_others_say_nothing_about_shards() {
    let mut secret = Secret::default();
    secret.metadata.name = Some("quay-east-west-keyring-0".to_owned());
    secret.data = Some([("a_b_c".to_owned(), ByteString(vec![]))].into());
    assert_eq!(present("quay", LaneName::NorthSouth, [&secret]), BTreeMap::new());
}

#[test]
fn a_secret_that_grows_moves_itself_and_none_of_its_neighbours() {
    let third = SHARD_BYTES / 3 - 100;
    let mut input = input(&[("a", "x", "k", third), ("b", "y", "k", third), ("c", "z", "k", third)]);
    input.present = read_present(&shards(&input));
    input.entries.insert(EntryName::new("a", "x", "k"), vec![0; 2 * third]);
    let shards: Vec<_> = places(&shards(&input)).into_values().collect();
    assert_eq!(shards, [1, 0, 0]);
}

/// Sizes of entries, of which contents are made only when they are needed: failures stay readable.
fn sizes() -> impl Strategy<Value = BTreeMap<EntryName, usize>> {
    let name = ("[ab]", "[a-e]", "[kl]").prop_map(|(namespace, name, key)| EntryName::new(&namespace, &name, &key));
    proptest::collection::btree_map(name, 0..500_000_usize, 0..16)
}

fn contents(sizes: &BTreeMap<EntryName, usize>) -> BTreeMap<EntryName, Vec<u8>> {
    sizes.iter().map(|(name, size)| (name.clone(), vec![0; *size])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// No shard exceeds its bound, and every entry is in exactly one shard or refused, whatever is said of the present.
    #[test]
    fn shards_are_bounded_and_nothing_is_lost(sizes in sizes(), present in sizes(), places_now in proptest::collection::vec(0..4_u32, 16)) {
        let present = present.into_iter().zip(places_now).map(|((name, bytes), shard)| (name, Place { shard, bytes })).collect();
        let input = KeyringInput { entries: contents(&sizes), present, ..KeyringInput::default() };
        let shards = shards(&input);
        for entries in shards.contents.values() {
            prop_assert!(entries.iter().map(|(name, content)| name.len() + content.len()).sum::<usize>() <= SHARD_BYTES);
        }
        let placed: usize = shards.contents.values().map(BTreeMap::len).sum();
        prop_assert_eq!(placed + shards.refused.len(), sizes.len());
        prop_assert_eq!(places(&shards).len(), placed);
        prop_assert!(shards.contents.contains_key(&0));
        prop_assert!(shards.contents.iter().all(|(shard, entries)| *shard == 0 || !entries.is_empty()));
    }

    /// Whatever else comes, goes and grows, an entry of a Secret that does not grow stays in its shard.
    #[test]
    fn what_does_not_grow_never_moves(before in sizes(), gone in proptest::collection::vec(any::<bool>(), 16), new in sizes()) {
        let first = KeyringInput { entries: contents(&before), ..KeyringInput::default() };
        let present = read_present(&shards(&first));
        let kept: BTreeMap<_, _> = before.into_iter().zip(gone).filter(|(_, gone)| !gone).map(|(entry, _)| entry).collect();
        let grows = |name: &EntryName| kept.keys().any(|kept| (&kept.namespace, &kept.name) == (&name.namespace, &name.name));
        let mut after: BTreeMap<_, _> = new.into_iter().filter(|(name, _)| !grows(name)).collect();
        after.extend(kept.clone());
        let second = KeyringInput { entries: contents(&after), present: present.clone(), ..KeyringInput::default() };
        let after = places(&shards(&second));
        for (name, place) in kept.keys().filter_map(|name| Some((name, present.get(name)?))) {
            prop_assert_eq!(after.get(name), Some(&place.shard), "{}", name);
        }
    }
}
