//! A finding: one sentence about one object that a gateway could not take literally.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a gateway says about an object that it serves in part, otherwise, or not at all.
///
/// Findings are values: equal input gives equal findings, in a stable order (object, field, code).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The object that should be changed.
    pub object: ObjectRef,
    /// Path of the field or name of the annotation, such as `spec.rules[0].http.paths[1].backend.service.name`.
    #[schemars(length(max = 256))]
    pub field: String,
    /// Whether something is not served, or served otherwise than written.
    pub severity: Severity,
    /// A stable, documented word for this kind of finding.
    #[schemars(length(max = 64))]
    pub code: String,
    /// What is wrong, as a sentence.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// What to do about it, as a sentence.
    #[schemars(length(max = 1024))]
    pub remedy: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Severity {
    /// Something the object asks for is not served.
    Error,
    /// It is served, but not in the way that is written.
    Warning,
}

/// Names an object without its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Kind, such as `Ingress`.
    #[schemars(length(max = 63))]
    pub kind: String,
    /// Namespace; empty for cluster-scoped objects.
    #[schemars(length(max = 63))]
    pub namespace: String,
    /// Name.
    #[schemars(length(max = 253))]
    pub name: String,
}

impl ObjectRef {
    /// An [`ObjectRef`] from its parts.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}
