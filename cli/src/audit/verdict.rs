//! What an audit says, as values: programs read them as JSON, people as a table.

use std::collections::BTreeSet;

use bulkhead_compile::directives;
use serde::Serialize;

use super::settings::ControllerReport;

/// What becomes of something that is written, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Verdict {
    /// It does what it is meant to do.
    Honoured,
    /// It cannot be judged from what was read.
    NotChecked,
    /// It does it with a difference.
    Approximated,
    /// It does nothing, and the routes work without it.
    Ignored,
    /// Routes answer 503, or are not there, until it is changed.
    Refused,
}

impl Verdict {
    /// As it is shown.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Honoured => "honoured",
            Self::NotChecked => "not checked",
            Self::Approximated => "approximated",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
        }
    }
}

/// A directive that stands in a snippet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Directive {
    /// Its name.
    pub(crate) name: String,
    /// What to write instead, a sentence or two.
    pub(crate) instead: String,
}

impl From<directives::Directive> for Directive {
    fn from(found: directives::Directive) -> Self {
        Self { name: found.name, instead: found.instead }
    }
}

/// One annotation or field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    /// Name of the annotation with its prefix, or path of the field; control characters are replaced.
    pub(crate) field: String,
    /// What becomes of it.
    pub(crate) verdict: Verdict,
    /// The code of the finding, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// What is different or wrong, in sentences; empty when nothing is.
    pub(crate) message: String,
    /// What to do instead; empty when nothing needs doing.
    pub(crate) remedy: String,
    /// Of a snippet: what is in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) directives: Vec<Directive>,
}

/// How many annotations and fields came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    pub(crate) honoured: usize,
    pub(crate) not_checked: usize,
    pub(crate) approximated: usize,
    pub(crate) ignored: usize,
    pub(crate) refused: usize,
}

impl Counts {
    /// Counts one more.
    pub(crate) fn add(&mut self, verdict: Verdict) {
        let count = match verdict {
            Verdict::Honoured => &mut self.honoured,
            Verdict::NotChecked => &mut self.not_checked,
            Verdict::Approximated => &mut self.approximated,
            Verdict::Ignored => &mut self.ignored,
            Verdict::Refused => &mut self.refused,
        };
        *count += 1;
    }
}

/// One Ingress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IngressReport {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The class that it names; empty when it names none.
    pub(crate) class: String,
    /// The worst of its items.
    pub(crate) verdict: Verdict,
    pub(crate) counts: Counts,
    /// Every annotation that an ingress controller would read, and every field that something is found about.
    pub(crate) items: Vec<Item>,
}

/// Something found about an object that is no Ingress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Beside {
    /// Kind, namespace and name.
    pub(crate) object: String,
    #[serde(flatten)]
    pub(crate) item: Item,
}

/// All that an audit says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Audit {
    /// How many Ingresses come to what, by the worst of each.
    pub(crate) total: Counts,
    /// How many annotations and fields come to what.
    pub(crate) items: Counts,
    pub(crate) ingresses: Vec<IngressReport>,
    /// The class that was asked for; nothing when all were.
    #[serde(skip)]
    pub(crate) wanted: Option<String>,
    /// Every class that an Ingress names, those that are not judged included; empty for none.
    #[serde(skip)]
    pub(crate) classes: BTreeSet<String>,
    /// Findings about other objects.
    pub(crate) others: Vec<Beside>,
    /// Installations of ingress-nginx, and what their settings become.
    pub(crate) controllers: Vec<ControllerReport>,
    /// What was left out and is not needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) remarks: Vec<String>,
    /// What could not be read.
    pub(crate) problems: Vec<String>,
}

impl Audit {
    /// Whether anything would not be served as it is meant.
    pub(crate) fn is_refused(&self) -> bool {
        let settings = self.controllers.iter().flat_map(|controller| &controller.settings);
        self.total.refused > 0 || settings.into_iter().any(|setting| setting.verdict == Verdict::Refused)
    }
}
