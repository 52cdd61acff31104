//! All findings of the last snapshot, and what tells them from others.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use bulkhead_crds::finding::Finding;

/// Findings, shared. Who only asks whether they are others than before reads the digest.
#[derive(Clone, Debug, Default)]
pub struct Findings(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    list: Arc<[Finding]>,
    /// Made for the first reader, and not where routes are: there may be megabytes.
    digest: OnceLock<String>,
}

impl Findings {
    /// Equal for equal findings, in every process of the same version: letters and digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.0.digest.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            for Finding { object, field, severity, code, message, remedy } in self.iter() {
                (object, field, severity, code, message, remedy).hash(&mut hasher);
            }
            format!("{:016x}", hasher.finish())
        })
    }
}

impl From<Arc<[Finding]>> for Findings {
    fn from(list: Arc<[Finding]>) -> Self {
        Self(Arc::new(Shared { list, digest: OnceLock::new() }))
    }
}

impl Deref for Findings {
    type Target = [Finding];

    fn deref(&self) -> &[Finding] {
        &self.0.list
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::finding::{ObjectRef, Severity};

    use super::*;

    #[test]
    fn equal_findings_have_an_equal_digest_and_others_another() {
        let finding = |message: &str| Finding {
            object: ObjectRef::new("Ingress", "quay", "web"),
            field: "spec".to_owned(),
            severity: Severity::Error,
            code: "Example".to_owned(),
            message: message.to_owned(),
            remedy: String::new(),
        };
        let digest = |list: &[Finding]| Findings::from(Arc::from(list)).digest().to_owned();
        assert_eq!(digest(&[finding("a"), finding("b")]), digest(&[finding("a"), finding("b")]));
        let all = [
            digest(&[]),
            digest(&[finding("a")]),
            digest(&[finding("b")]),
            digest(&[finding("a"), finding("a")]),
            digest(&[finding("a"), finding("b")]),
            digest(&[finding("b"), finding("a")]),
            digest(&[Finding { severity: Severity::Warning, ..finding("a") }]),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
        assert_eq!(digest(&[]), Findings::default().digest());
    }
}
