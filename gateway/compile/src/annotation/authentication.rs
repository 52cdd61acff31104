//! Who is let in by a name and a password, and how much of what an Ingress asks is enough.

use std::sync::Arc;

use bulkhead_model::authentication::{Realm, Satisfy};

use super::reader::{Reader, Stake, key};
use super::row::{Group, Row, State, Use};
use crate::code::FindingCode;
use crate::users::Form;

const TYPE: &str = "auth-type";
const SECRET: &str = "auth-secret";
const FORM: &str = "auth-secret-type";
const REALM: &str = "auth-realm";
const SATISFY: &str = "satisfy";

pub(super) const ROWS: &[Row] = &[
    Row::new(REALM, Group::Authentication, Use::Must, State::Obeyed),
    Row::new(
        SECRET,
        Group::Authentication,
        Use::Must,
        State::Approximated(
            "Only a Secret of the Ingress's own namespace can be named, and users whose passwords are hashed by DES are not let in.",
        ),
    )
    .referring(),
    Row::new(FORM, Group::Authentication, Use::Must, State::Obeyed).referring(),
    Row::new(
        TYPE,
        Group::Authentication,
        Use::Must,
        State::Approximated(
            "The type `digest` is refused: its routes answer 503. Write `basic`, and serve them over HTTPS.",
        ),
    )
    .referring(),
    Row::new(
        SATISFY,
        Group::Authentication,
        Use::Must,
        State::Approximated("With `any`, addresses of `denylist-source-range` stay out whatever else they show."),
    ),
];

/// Names and passwords that an Ingress wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BasicWish {
    /// Secret beside the Ingress, with the users.
    pub(crate) secret: Arc<str>,
    /// How it holds them.
    pub(crate) form: Form,
    pub(crate) realm: Realm,
}

/// The field of a finding about the Secret.
pub(crate) fn field() -> String {
    key(SECRET)
}

pub(super) fn satisfy(reader: &mut Reader<'_, '_>) -> Satisfy {
    reader.word(SATISFY, &[("all", Satisfy::All), ("any", Satisfy::Any)], Stake::Comfort).unwrap_or_default()
}

pub(super) fn basic(reader: &mut Reader<'_, '_>) -> Option<BasicWish> {
    let is_basic = reader.word(TYPE, &[("basic", true), ("digest", false)], Stake::Protection);
    let secret = reader.beside(SECRET, Stake::Protection);
    let form = reader.word(FORM, &[("auth-file", Form::File), ("auth-map", Form::Map)], Stake::Protection);
    let realm = realm(reader);
    match (is_basic, secret) {
        (Some(true), Some(secret)) => {
            Some(BasicWish { secret: secret.into(), form: form.unwrap_or_default(), realm: realm? })
        }
        (Some(true), None) if !reader.refused => {
            reader.bad(TYPE, Stake::Protection, &format!("there is no {SECRET} that names a Secret with users"))
        }
        (Some(false), _) => {
            reader.bad(TYPE, Stake::Protection, "digest is not offered; write basic, and serve the routes over HTTPS")
        }
        // ingress-nginx serves the routes to everybody then, which nobody can have meant.
        (None, Some(_)) if !reader.refused => {
            reader.bad(SECRET, Stake::Protection, &format!("there is no {TYPE} beside it; write basic"))
        }
        _ => {
            if !reader.refused && reader.has(REALM) {
                reader.notes.add(FindingCode::AnnotationNotServed, &key(REALM), || {
                    format!("The annotation {REALM} says nothing where there is no {TYPE}.")
                });
            }
            None
        }
    }
}

/// One that cannot be shown is as good as none.
fn realm(reader: &mut Reader<'_, '_>) -> Option<Realm> {
    if let Some(name) = reader.text(REALM, Stake::Comfort) {
        if let Some(realm) = Realm::new(name) {
            return Some(realm);
        }
        let why = "it is longer than 256 bytes, or has control characters in it";
        return reader.bad::<Realm>(REALM, Stake::Comfort, why).or_else(|| Realm::new(""));
    }
    Realm::new("")
}
