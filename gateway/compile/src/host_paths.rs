//! What the paths of a host match, all of its Ingresses together.
//!
//! Who has room for expressions is decided here, before any route is made: a namespace has its own on each host, whatever others write.
//! An expression that cannot be matched must not leave what it was for to a wider rule, which may be open to others. Nobody knows which
//! requests those are, but all begin as the text does up to the first mark in it. So it keeps its place among the paths of the host,
//! and whatever begins like that and is not asked before answers 503.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::expression::{Automaton, BadExpression, Combined, PathExpression, combine};
use bulkhead_model::limits::{EXPRESSION_AUTOMATA, EXPRESSION_NAMESPACES};
use bulkhead_model::route::PathKind;
use bulkhead_model::{HostPattern, PathPattern};

use crate::age::Age;
use crate::code::FindingCode;
use crate::expression_rooms::{ExpressionRooms, Full};
use crate::findings::{Notes, quote};
use crate::ingress::{Declared, Rule};
use crate::wide_texts::WideTexts;

/// The paths of a host.
#[derive(Debug)]
pub(crate) struct HostPaths {
    /// Every path is an expression.
    spread: bool,
    /// By how they are written, what has become of expressions.
    read: BTreeMap<Arc<str>, Result<Arc<PathExpression>, Refusal>>,
    expressions: Expressions,
}

/// What is kept of the expressions of a host.
#[derive(Debug, Default)]
pub(crate) struct Expressions {
    /// By namespace, what is looked for.
    combined: BTreeMap<Arc<str>, Together>,
    /// What each Ingress takes of the room of its namespace and of the lane, in bytes, whether it has that or not.
    pub(crate) wants: BTreeMap<Age, usize>,
}

/// Expressions of one namespace.
#[derive(Debug)]
struct Together {
    all: Vec<Arc<PathExpression>>,
    combined: Combined,
}

/// Expressions of an Ingress that may turn out to be too wide on a host before the rest are refused untried: finding that out takes as long as
/// all that is let in, and nobody means to write more than one or two.
const MOST_WIDE: usize = 16;

/// Why an expression is not matched.
#[derive(Clone, Debug)]
enum Refusal {
    Bad(BadExpression),
    /// Those of its namespace, or of the lane, have taken the room.
    Full(Full),
    /// Other namespaces were there before.
    TooManyNamespaces,
    /// With those of its namespace that were there before.
    TooManyTogether,
}

/// What a rule matches.
pub(crate) struct Meant {
    pub(crate) pattern: PathPattern,
    /// What finds it, if it is an expression.
    pub(crate) expression: Option<Arc<PathExpression>>,
    /// It is an expression that cannot be matched: what begins as it does answers 503.
    pub(crate) refused: bool,
}

impl HostPaths {
    /// Gives room to the expressions of the Ingresses that have a say on `host`, oldest first, as far as there is some.
    pub(crate) fn plan(
        spread: bool,
        host: &HostPattern,
        ours: &[&Declared],
        (rooms, wide): (&ExpressionRooms, &mut WideTexts),
        before: Option<&Expressions>,
    ) -> Self {
        let mut paths = Self { spread, read: BTreeMap::new(), expressions: Expressions::default() };
        // In the order in which the namespaces came, and where each is.
        let mut spaces: Vec<(&Arc<str>, Vec<Arc<PathExpression>>)> = Vec::new();
        let mut places: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for declared in ours {
            let namespace = &declared.age.name.namespace;
            let found = paths.read_all(host, declared, rooms, wide);
            if found.is_empty() {
                continue;
            }
            let place = *places.entry(namespace).or_insert(spaces.len());
            match spaces.get_mut(place) {
                Some((_, all)) => all.extend(found),
                None => spaces.push((namespace, found)),
            }
        }
        for (place, (namespace, all)) in spaces.into_iter().enumerate() {
            paths.combine((namespace, all), place, before);
        }
        paths
    }

    /// The expressions of an Ingress that there is room for, and that need some.
    fn read_all(
        &mut self,
        host: &HostPattern,
        declared: &Declared,
        rooms: &ExpressionRooms,
        wide_texts: &mut WideTexts,
    ) -> Vec<Arc<PathExpression>> {
        let groups = declared.policies.has_groups();
        let full = rooms.has_room(&declared.age, host);
        let (mut found, mut wanted, mut wide) = (Vec::new(), 0, 0);
        for rule in declared.hosts.get(host).into_iter().flatten() {
            let written = &rule.path.written;
            // The older one of two that are written alike is the one that is served.
            if self.pattern(rule).is_none_or(|pattern| pattern.kind() != PathKind::Expression)
                || self.read.contains_key(written)
            {
                continue;
            }
            let tried = match wide {
                0..MOST_WIDE => rule.path.expression(groups, wide_texts).cloned().map_err(Clone::clone),
                _ => Err(BadExpression::Untried),
            };
            wide += usize::from(tried == Err(BadExpression::Wide));
            let read = tried.map_err(Refusal::Bad).and_then(|expression| {
                if expression.is_literal() {
                    return Ok(expression);
                }
                wanted += expression.size();
                full.map_err(Refusal::Full)?;
                found.push(Arc::clone(&expression));
                Ok(expression)
            });
            self.read.insert(Arc::clone(written), read);
        }
        if wanted > 0 {
            self.expressions.wants.insert(declared.age.clone(), wanted);
        }
        found
    }

    /// Combines those of one namespace, and refuses what does not fit.
    fn combine(
        &mut self,
        (namespace, all): (&Arc<str>, Vec<Arc<PathExpression>>),
        place: usize,
        before: Option<&Expressions>,
    ) {
        let known = before.and_then(|before| before.combined.get(namespace)).filter(|known| known.all == all);
        let combined = match known {
            _ if place >= EXPRESSION_NAMESPACES.size() => Combined::default(),
            Some(known) if known.combined.taken > 0 => known.combined.clone(),
            _ => combine(&all, EXPRESSION_AUTOMATA.size()),
        };
        let why = if combined.automata.is_empty() { Refusal::TooManyNamespaces } else { Refusal::TooManyTogether };
        for expression in all.iter().skip(combined.taken) {
            if let Some(read) = self.read.get_mut(expression.written()) {
                *read = Err(why.clone());
            }
        }
        self.expressions.combined.insert(Arc::clone(namespace), Together { all, combined });
    }

    /// What requests a rule is for, as they are written for this host; `None`: none.
    pub(crate) fn pattern(&self, rule: &Rule) -> Option<PathPattern> {
        if self.spread && !rule.is_default() {
            Some(PathPattern::expression(&rule.path.written))
        } else {
            Some(rule.path.pattern.clone()).filter(|_| !rule.path.only_spread)
        }
    }

    /// What a rule of `pattern` matches.
    pub(crate) fn take(&self, pattern: PathPattern, rule: &Rule, notes: &mut Notes<'_>) -> Meant {
        if pattern.kind() != PathKind::Expression {
            return Meant { pattern, expression: None, refused: false };
        }
        match self.read.get(&rule.path.written) {
            Some(Ok(expression)) => Meant { pattern, expression: Some(Arc::clone(expression)), refused: false },
            Some(Err(why)) => {
                notes.add(why.code(), &rule.path_field(), || why.text(&rule.path.written));
                Meant { pattern, expression: None, refused: true }
            }
            None => Meant { pattern, expression: None, refused: true },
        }
    }

    /// What finds the expressions, and what of it is kept for the next time.
    pub(crate) fn finish(self) -> (Vec<Arc<Automaton>>, Expressions) {
        let all = self.expressions.combined.values();
        (all.flat_map(|together| together.combined.automata.iter().cloned()).collect(), self.expressions)
    }
}

impl Refusal {
    const fn code(&self) -> FindingCode {
        match self {
            Self::Bad(_) => FindingCode::BadExpression,
            Self::Full(_) | Self::TooManyNamespaces | Self::TooManyTogether => FindingCode::NoRoomForExpression,
        }
    }

    fn text(&self, written: &str) -> String {
        let why = match self {
            Self::Bad(bad) => bad.to_string(),
            Self::Full(full) => full.to_string(),
            Self::TooManyNamespaces => {
                format!("{} other namespaces have some for this host already", EXPRESSION_NAMESPACES.default)
            }
            Self::TooManyTogether => {
                "together with older ones of its namespace for this host it can match in too many ways at once"
                    .to_owned()
            }
        };
        let written = quote(written);
        format!(
            "The path {written} cannot be matched as a regular expression: {why}. Whatever begins as it does answers 503."
        )
    }
}
