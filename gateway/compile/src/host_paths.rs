//! What the paths of a host match, all of its Ingresses together.

use std::sync::Arc;

use bulkhead_model::PathPattern;
use bulkhead_model::expression::{MAX_HOST_BYTES, PathExpression};
use bulkhead_model::route::PathKind;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::ingress::Rule;

/// Most bytes of paths that are refused as expressions and still stand for what they begin with. They cost room as well.
const MAX_REFUSED_BYTES: usize = 16 << 10;

/// The paths of a host in the making.
#[derive(Debug)]
pub(crate) struct HostPaths {
    /// Every path is an expression.
    spread: bool,
    /// What further expressions may compile to, in bytes.
    room: usize,
    /// What further expressions that are refused may be long, in bytes.
    refused_room: usize,
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
    pub(crate) const fn new(spread: bool) -> Self {
        Self { spread, room: MAX_HOST_BYTES, refused_room: MAX_REFUSED_BYTES }
    }

    /// What requests a rule is for, as they are written for this host.
    pub(crate) fn pattern(&self, rule: &Rule) -> PathPattern {
        if self.spread && !rule.is_default() {
            PathPattern::expression(&rule.path.written)
        } else {
            rule.path.pattern.clone()
        }
    }

    /// What a rule of `pattern` matches. `None`: nothing, which is noted.
    ///
    /// An expression that cannot be matched must not leave what it was for to a wider rule, which may be open to others. So it stands
    /// for all that begins as it does, and that answers 503.
    pub(crate) fn take(
        &mut self,
        pattern: PathPattern,
        rule: &Rule,
        groups: bool,
        notes: &mut Notes<'_>,
    ) -> Option<Meant> {
        if pattern.kind() != PathKind::Expression {
            return Some(Meant { pattern, expression: None, refused: false });
        }
        let field = rule.path_field();
        let written = quote(&rule.path.written);
        let why = match rule.path.expression() {
            Ok(expression) if expression.size() <= self.room => {
                self.room -= expression.size();
                match if groups { rule.path.grouped() } else { Ok(expression) } {
                    Ok(expression) => {
                        return Some(Meant { pattern, expression: Some(Arc::clone(expression)), refused: false });
                    }
                    Err(why) => why.to_string(),
                }
            }
            Ok(_) => format!("all expressions of its host would compile to more than {} MiB", MAX_HOST_BYTES >> 20),
            Err(why) => why.to_string(),
        };
        let length = rule.path.written.len();
        if length > self.refused_room {
            notes.add(FindingCode::BadExpression, &field, || {
                format!("The path {written} cannot be matched as a regular expression: {why}. There are too many such paths, so this rule is left out.")
            });
            return None;
        }
        self.refused_room -= length;
        notes.add(FindingCode::BadExpression, &field, || {
            format!("The path {written} cannot be matched as a regular expression: {why}. Whatever begins as it does answers 503.")
        });
        Some(Meant { pattern, expression: None, refused: true })
    }
}
