//! Paths as regular expressions, and what the backend is asked for instead of them.

use std::sync::Arc;

use bulkhead_model::rewrite::Rewrite;

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};

const USE_REGEX: &str = "use-regex";
const TARGET: &str = "rewrite-target";
const PREFIX: &str = "x-forwarded-prefix";

pub(super) const ROWS: &[Row] = &[
    Row::new(
        USE_REGEX,
        Group::Routing,
        Use::Must,
        State::Approximated(
            "Look-around and back-references are refused, and every alternative outside of groups begins where the path does, while nginx says so of the first one alone. In the profile Standard only paths of the Ingress itself are expressions, and of these no Exact ones.",
        ),
    ),
    Row::new(
        TARGET,
        Group::Routing,
        Use::Must,
        State::Approximated(
            "A path that is not canonical, or begins with two slashes, is refused with 400 rather than sent; a group or variable is not written with a second slash behind one of the target. A variable that is not known closes the routes with 503. In the profile Standard a plain Prefix path stays one.",
        ),
    ),
    Row::new(
        PREFIX,
        Group::Routing,
        Use::Must,
        State::Approximated("What a variable makes no canonical path of is refused with 400 rather than sent."),
    ),
];

/// How the paths of an Ingress are meant, and what becomes of them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Routing {
    /// All paths are expressions.
    pub(crate) expressions: bool,
    pub(crate) rewrite: Option<Arc<Rewrite>>,
    /// A rewrite is asked for, whether it can be had or not.
    pub(crate) rewrites: bool,
    /// The target of the rewrite as it is written; empty: there is none.
    pub(crate) target: Box<str>,
}

impl Routing {
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        // Both say which paths are meant, and what of the backend is shown: a guess could show what is not to be shown. One that is refused
        // asks for expressions all the same: taken literally, its paths would be left to wider rules, which may be open.
        let (switch, is_unclear) = reader.watched(|reader| reader.switch(USE_REGEX, Stake::Protection));
        let expressions = switch.unwrap_or_default() || is_unclear;
        let (target, is_unreadable) = reader.watched(|reader| reader.text(TARGET, Stake::Protection));
        let rewrite = target.and_then(|target| match Rewrite::parse(target) {
            Ok(rewrite) => Some(rewrite),
            Err(why) => reader.bad(TARGET, Stake::Protection, &why.to_string()),
        });
        let rewrites = target.is_some() || is_unreadable;
        let read = Self { expressions, rewrites, target: target.unwrap_or_default().into(), ..Self::default() };
        let Some(rewrite) = rewrite else { return read };
        let rewrite = match reader.text(PREFIX, Stake::Comfort).map(|prefix| rewrite.clone().telling(prefix)) {
            None => rewrite,
            Some(Ok(telling)) => telling,
            Some(Err(why)) => {
                reader.bad::<()>(PREFIX, Stake::Comfort, &why.to_string());
                rewrite
            }
        };
        Self { rewrite: Some(Arc::new(rewrite)), ..read }
    }

    /// Whether paths with the marks of expressions are some.
    pub(crate) const fn has_expressions(&self) -> bool {
        self.expressions || self.rewrites
    }
}
