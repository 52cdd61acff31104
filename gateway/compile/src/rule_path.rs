//! The path of a rule: what it matches, as far as its own Ingress says it.

use std::sync::{Arc, OnceLock};

use bulkhead_model::PathPattern;
use bulkhead_model::expression::{BadExpression, PathExpression, is_expression};
use bulkhead_model::route::PathKind;
use k8s_openapi::api::networking::v1::HTTPIngressPath;

use crate::annotation::Routing;
use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::wide_texts::WideTexts;

/// Longest path of a rule, in bytes: no request's target is longer by default.
const MAX_PATH_BYTES: usize = 8 << 10;

/// The path of a rule.
#[derive(Clone, Debug)]
pub(crate) struct RulePath {
    /// As written; empty where there is none.
    pub(crate) written: Arc<str>,
    /// What it matches, if the host has no other idea.
    pub(crate) pattern: PathPattern,
    /// No request has it as it stands: it is one only on a host all of whose paths are expressions.
    pub(crate) only_spread: bool,
    /// What it is as an expression, once anybody wants it so.
    expression: OnceLock<Result<Arc<PathExpression>, BadExpression>>,
    /// The same, with its groups, which take much more memory.
    grouped: OnceLock<Result<Arc<PathExpression>, BadExpression>>,
}

impl PartialEq for RulePath {
    /// What it is as an expression follows.
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written && self.pattern == other.pattern && self.only_spread == other.only_spread
    }
}

impl RulePath {
    /// What the default backend of an Ingress has.
    pub(crate) fn unmatched() -> Self {
        Self::new("", PathPattern::unmatched())
    }

    fn new(written: &str, pattern: PathPattern) -> Self {
        Self {
            written: written.into(),
            pattern,
            only_spread: false,
            expression: OnceLock::new(),
            grouped: OnceLock::new(),
        }
    }

    /// Reads the path of a rule. `None`: no request has it, which is noted.
    pub(crate) fn read(path: &HTTPIngressPath, routing: &Routing, field: &str, notes: &mut Notes<'_>) -> Option<Self> {
        let kind = kind(path, field, notes);
        let written = match path.path.as_deref().unwrap_or_default() {
            // Only these two path types need a path (Ingress API reference, `HTTPIngressPath.path`).
            "" if !matches!(path.path_type.as_str(), "Exact" | "Prefix") => "/",
            written => written,
        };
        // The path type that is ours to define is what `use-regex` is for. A prefix with the marks of an expression in it is meant as
        // one: taken literally it would leave what it stands for to a wider rule.
        let is_one = match path.path_type.as_str() {
            "Exact" => false,
            "Prefix" => routing.has_expressions() && is_expression(written),
            _ => routing.expressions || (routing.has_expressions() && is_expression(written)),
        };
        let pattern = match kind {
            _ if !written.starts_with('/') => None,
            // One that is too long is refused, and not left to wider rules.
            _ if is_one => Some(PathPattern::expression(written)),
            _ if written.len() > MAX_PATH_BYTES => None,
            PathKind::Exact => PathPattern::exact(written).ok(),
            _ => PathPattern::prefix(written).ok(),
        };
        let may_spread = || written.starts_with('/') && is_expression(written);
        match pattern {
            Some(pattern) => Some(Self::new(written, pattern)),
            None if may_spread() => {
                Some(Self { only_spread: true, ..Self::new(written, PathPattern::expression(written)) })
            }
            None => {
                note_no_path(written, &format!("{field}.path"), notes);
                None
            }
        }
    }

    /// Notes that no request has it.
    pub(crate) fn note_none(&self, field: &str, notes: &mut Notes<'_>) {
        note_no_path(&self.written, field, notes);
    }

    /// The path as an expression, whose groups can be asked for if `groups`.
    pub(crate) fn expression(
        &self,
        groups: bool,
        wide: &mut WideTexts,
    ) -> Result<&Arc<PathExpression>, &BadExpression> {
        let read = || wide.parse(&self.written, groups).map(Arc::new);
        if groups { &self.grouped } else { &self.expression }.get_or_init(read).as_ref()
    }
}

fn note_no_path(written: &str, field: &str, notes: &mut Notes<'_>) {
    notes.add(FindingCode::BadPath, field, || format!("{}, so this rule is left out.", why_no_path(written)));
}

/// Why no request has the path `written`.
fn why_no_path(written: &str) -> String {
    let shown = quote(written);
    match (written.starts_with('/'), is_expression(written)) {
        (false, true) => {
            format!(
                "The path {shown} does not begin with `/`; it looks like a regular expression, and those do as well"
            )
        }
        (false, false) => format!("The path {shown} does not begin with `/`"),
        (true, true) => format!(
            "The path {shown} looks like a regular expression, and the annotation use-regex, which says that it is one, is not there"
        ),
        (true, false) => format!("No request has the path {shown} once it is canonical"),
    }
}

/// `ImplementationSpecific` is ours to define, and is `Prefix`, as in ingress-nginx.
fn kind(path: &HTTPIngressPath, field: &str, notes: &mut Notes<'_>) -> PathKind {
    match path.path_type.as_str() {
        "Exact" => PathKind::Exact,
        "Prefix" | "ImplementationSpecific" | "" => PathKind::Prefix,
        unknown => {
            notes.add(FindingCode::UnknownPathType, &format!("{field}.pathType"), || {
                format!("The path type {} is not known, so Prefix is served.", quote(unknown))
            });
            PathKind::Prefix
        }
    }
}
