//! The tables: names and refusals.

use std::collections::HashSet;

use crate::{Name, NameSet, Refusal};

#[test]
fn every_known_name_is_found_in_any_case_and_nothing_else_is() {
    for (at, &name) in Name::KNOWN.iter().enumerate() {
        assert_eq!(name as usize, at + 1, "{name:?} is out of order: NameSet counts on small numbers");
        for text in [name.as_str().to_owned(), name.as_str().to_ascii_lowercase(), name.as_str().to_ascii_uppercase()] {
            assert_eq!(Name::find(text.as_bytes()), name, "{text}");
        }
        let alias = name.as_str().replace('-', "_");
        assert!(alias == name.as_str() || Name::find(alias.as_bytes()) == Name::Other, "{alias}");
        assert_eq!(Name::find(format!("{}x", name.as_str()).as_bytes()), Name::Other);
    }
    assert!(Name::KNOWN.len() < 128, "a NameSet has 128 bits");
    for other in ["", "x", "unknown", "\0", "content-lengtg"] {
        assert_eq!(Name::find(other.as_bytes()), Name::Other, "{other}");
    }
}

#[test]
fn a_set_never_holds_the_name_that_is_no_name() {
    let set = NameSet::of(&[Name::Other, Name::Accept, Name::XSentFrom]);
    assert!(set.contains(Name::Accept) && set.contains(Name::XSentFrom));
    assert!(!set.contains(Name::Other) && !set.contains(Name::Host));
}

#[test]
fn every_refusal_has_its_own_label_sentence_and_a_status_of_an_error() {
    let labels: HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.name()).collect();
    let sentences: HashSet<_> = Refusal::ALL.iter().map(ToString::to_string).collect();
    assert_eq!((labels.len(), sentences.len()), (Refusal::ALL.len(), Refusal::ALL.len()));
    for refusal in Refusal::ALL {
        let label = refusal.name();
        assert!(label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')), "{label}");
        assert!((400..600).contains(&refusal.status()), "{label}");
    }
}
