//! The tables: names and refusals.

use std::collections::HashSet;

use crate::{Name, NameSet, Refusal, bytes};

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
    for &name in Name::KNOWN {
        let text = name.as_str().as_bytes();
        assert!(text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-'), "the fast compare relies on it");
        for (at, byte) in (0..text.len()).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
            let mut other = text.to_vec();
            other[at] = byte;
            let same = text.eq_ignore_ascii_case(&other);
            assert_eq!(Name::find(&other) == name, same, "{}", other.escape_ascii());
        }
    }
    assert!(Name::KNOWN.len() < 128, "a NameSet has 128 bits");
    for other in ["", "x", "unknown", "\0", "content-lengtg"] {
        assert_eq!(Name::find(other.as_bytes()), Name::Other, "{other}");
    }
}

#[test]
fn a_field_value_holds_no_control_character_but_tab() {
    for len in 0..20 {
        assert!(bytes::is_value(&vec![b'a'; len]));
        for (at, byte) in (0..len).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
            for filler in [b' ', b'~', 0x80, 0xff] {
                let mut text = vec![filler; len];
                text[at] = byte;
                let allowed = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
                assert_eq!(bytes::is_value(&text), allowed, "{}", text.escape_ascii());
            }
        }
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
