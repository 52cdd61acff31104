//! Who wrote what, as the API server itself records it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

/// One line for each writing request, when it is answered. Reads are left out: they are most of what happens.
const POLICY: &str = r#"
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  verbs: [get, list, watch]
- level: Metadata
"#;

/// The record of one API server.
pub(super) struct Audit {
    policy: PathBuf,
    log: PathBuf,
}

impl Audit {
    /// Prepares a record in `dir`.
    pub(super) fn new(dir: &Path) -> anyhow::Result<Self> {
        let audit = Self { policy: dir.join("audit-policy.yaml"), log: dir.join("log/audit.log") };
        std::fs::write(&audit.policy, POLICY).with_context(|| format!("write {}", audit.policy.display()))?;
        Ok(audit)
    }

    /// With these an API server keeps it. A request is answered when its line is written.
    pub(super) fn flags(&self) -> [String; 2] {
        [format!("--audit-policy-file={}", self.policy.display()), format!("--audit-log-path={}", self.log.display())]
    }

    /// All writes so far, the oldest first.
    pub(super) fn writes(&self) -> anyhow::Result<Vec<Write>> {
        let text = std::fs::read_to_string(&self.log).with_context(|| format!("read {}", self.log.display()))?;
        // The last line may still be on its way.
        let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
        let lines = complete.lines().map(|line| {
            let line: Line = serde_json::from_str(line).with_context(|| format!("read the audit record {line}"))?;
            Ok(Write { user: line.user.username, verb: line.verb, target: line.request_uri })
        });
        lines.collect()
    }
}

/// One writing request, whatever became of it.
#[derive(Clone, Debug)]
pub struct Write {
    /// Who asked.
    pub user: String,
    /// What for: `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// The path and query it was asked with.
    pub target: String,
}

impl Write {
    /// Whether it came with a service account's token, and not from the control plane's own parts, which have accounts in `kube-system`.
    #[must_use]
    pub fn is_of_a_workload(&self) -> bool {
        self.user.starts_with("system:serviceaccount:") && !self.user.starts_with("system:serviceaccount:kube-system:")
    }

    /// Whether it renews a claim to lead, which says nothing about what is led.
    #[must_use]
    pub fn is_of_a_lease(&self) -> bool {
        self.target.starts_with("/apis/coordination.k8s.io/")
    }

    /// Whether it asks a question, which takes a POST, and changes nothing.
    #[must_use]
    pub fn is_a_question(&self) -> bool {
        self.target.contains("accessreviews") || self.target.contains("tokenreviews")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    user: User,
}

#[derive(Deserialize)]
struct User {
    username: String,
}
