//! The path of a rule: what it matches, as far as its own Ingress says it.

use std::sync::{Arc, OnceLock};

use bulkhead_model::PathPattern;
use bulkhead_model::expression::{BadExpression, PathExpression, is_expression};
use bulkhead_model::route::PathKind;
use k8s_openapi::api::networking::v1::HTTPIngressPath;

use crate::annotation::Routing;
use crate::code::FindingCode;
use crate::findings::{Notes, quote};

/// Longest path of a rule, in bytes: no request's target is longer by default.
const MAX_PATH_BYTES: usize = 8 << 10;

/// The path of a rule.
#[derive(Clone, Debug)]
pub(crate) struct RulePath {
    /// As written; empty where there is none.
    pub(crate) written: Arc<str>,
    /// What it matches, if the host has no other idea.
    pub(crate) pattern: PathPattern,
    /// What it is as an expression, once anybody wants it so.
    expression: OnceLock<Result<Arc<PathExpression>, BadExpression>>,
    /// The same, with its groups, which take much more memory.
    grouped: OnceLock<Result<Arc<PathExpression>, BadExpression>>,
}

impl PartialEq for RulePath {
    /// What it is as an expression follows.
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written && self.pattern == other.pattern
    }
}

impl RulePath {
    /// What the default backend of an Ingress has.
    pub(crate) fn unmatched() -> Self {
        Self::new("", PathPattern::unmatched())
    }

    fn new(written: &str, pattern: PathPattern) -> Self {
        Self { written: written.into(), pattern, expression: OnceLock::new(), grouped: OnceLock::new() }
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
        let is_expression = match path.path_type.as_str() {
            "Exact" => false,
            "Prefix" => routing.has_expressions() && is_expression(written),
            _ => routing.expressions || (routing.has_expressions() && is_expression(written)),
        };
        let pattern = match kind {
            _ if written.len() > MAX_PATH_BYTES || !written.starts_with('/') => None,
            _ if is_expression => Some(PathPattern::expression(written)),
            PathKind::Exact => PathPattern::exact(written).ok(),
            _ => PathPattern::prefix(written).ok(),
        };
        if pattern.is_none() {
            notes.add(FindingCode::BadPath, &format!("{field}.path"), || {
                format!("{}, so this rule is left out.", why_no_path(written))
            });
        }
        pattern.map(|pattern| Self::new(written, pattern))
    }

    /// The path as an expression.
    pub(crate) fn expression(&self) -> Result<&Arc<PathExpression>, &BadExpression> {
        self.expression.get_or_init(|| PathExpression::parse(&self.written, false).map(Arc::new)).as_ref()
    }

    /// The path as an expression whose groups can be asked for.
    pub(crate) fn grouped(&self) -> Result<&Arc<PathExpression>, &BadExpression> {
        self.grouped.get_or_init(|| PathExpression::parse(&self.written, true).map(Arc::new)).as_ref()
    }
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
