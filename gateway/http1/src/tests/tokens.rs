//! Our reading of a head beside that of `httparse`, which many servers read with.

use proptest::prelude::*;

use super::laws::{good_requests, near_heads};
use crate::{Field, HeadLimits, MAX_FIELDS, Method, Progress, Refusal, RequestHead, ResponseHead, Version};
use crate::{parse_request, parse_response};

/// What we refuse because of its grammar, and not because of what it says. Without the line ends that only we refuse.
const GRAMMAR: &[Refusal] = &[
    Refusal::BadRequestLine,
    Refusal::BadStatusLine,
    Refusal::UnsupportedVersion,
    Refusal::BadFieldName,
    Refusal::BadFieldValue,
    Refusal::BadLineEnd,
];

fn names_and_values<'b>(bytes: &'b [u8], fields: &[Field]) -> Vec<(&'b [u8], &'b [u8])> {
    fields.iter().map(|field| (field.name.of(bytes), field.value.of(bytes))).collect()
}

fn theirs<'b>(fields: &[httparse::Header<'b>]) -> Vec<(&'b [u8], &'b [u8])> {
    fields.iter().map(|field| (field.name.as_bytes(), field.value)).collect()
}

const fn minor(version: Version) -> u8 {
    match version {
        Version::Http10 => 0,
        Version::Http11 => 1,
    }
}

fn heads() -> impl Strategy<Value = Vec<u8>> {
    let spoiled = (good_requests(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, at, byte)| {
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    });
    prop_oneof![near_heads(), good_requests(), spoiled]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A request head that we accept has the same parts to `httparse`, and one that it accepts is not bad grammar to us.
    #[test]
    fn a_request_head_has_the_parts_that_another_parser_finds(bytes in heads()) {
        let mut slots = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut other = httparse::Request::new(&mut slots);
        let accepted = other.parse(&bytes);
        let mut head = RequestHead::default();
        match parse_request(&bytes, &HeadLimits::default(), &mut head) {
            Ok(Progress::Complete(len)) => {
                prop_assert_eq!(accepted, Ok(httparse::Status::Complete(len)));
                prop_assert_eq!(other.method.unwrap().as_bytes(), head.method.bytes(&bytes));
                prop_assert!(other.path.unwrap().as_bytes().ends_with(head.target.bytes(&bytes)) || head.method == Method::Options || head.target.bytes(&bytes) == b"/");
                prop_assert_eq!(other.version, Some(minor(head.version)));
                prop_assert_eq!(theirs(other.headers), names_and_values(&bytes, &head.fields));
            }
            Ok(Progress::Partial) => prop_assert_eq!(accepted, Ok(httparse::Status::Partial)),
            Err(refusal) if GRAMMAR.contains(&refusal) => prop_assert!(accepted.is_err(), "{:?}", refusal),
            Err(_) => {}
        }
    }

    /// A response head that we accept has the same parts to `httparse`, and one that it accepts is not bad grammar to us.
    #[test]
    fn a_response_head_has_the_parts_that_another_parser_finds(bytes in near_heads()) {
        let mut slots = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut other = httparse::Response::new(&mut slots);
        let accepted = other.parse(&bytes);
        let mut head = ResponseHead::default();
        match parse_response(&bytes, &HeadLimits::default(), false, &mut head) {
            Ok(Progress::Complete(len)) => {
                prop_assert_eq!(accepted, Ok(httparse::Status::Complete(len)));
                prop_assert_eq!(other.code, Some(head.status));
                prop_assert_eq!(other.reason.unwrap().as_bytes(), head.reason.of(&bytes));
                prop_assert_eq!(other.version, Some(minor(head.version)));
                prop_assert_eq!(theirs(other.headers), names_and_values(&bytes, &head.fields));
            }
            Ok(Progress::Partial) => prop_assert_eq!(accepted, Ok(httparse::Status::Partial)),
            Err(refusal) if GRAMMAR.contains(&refusal) => prop_assert!(accepted.is_err(), "{:?}", refusal),
            Err(_) => {}
        }
    }
}
