//! What becomes of an object that somebody wants to store, and the words for it.

use bulkhead_crds::finding::{Finding, Severity};
use bulkhead_crds::text::shown;

/// Objections that a refusal tells; the rest are counted. A terminal shows as many at once.
const TOLD: usize = 8;
/// Characters of one objection in a refusal: the longest sentence with its remedy takes a few hundred.
const TOLD_CHARS: usize = 1024;
/// Warnings of one answer. An API server keeps 4 KiB of them, whoever they come from.
const WARNINGS: usize = 8;
/// Characters of one warning (Kubernetes reference, AdmissionResponse: those over 256 may be truncated).
const WARNING_CHARS: usize = 256;

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// What kind of mistake it is: code of a finding, or reason of a condition.
    pub code: String,
    /// Path of the field, or name of the annotation; empty where it is about the whole object.
    pub field: String,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do, as a sentence.
    pub remedy: String,
}

/// Everything that is to be said of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opinion {
    /// Why it is not to be stored.
    pub errors: Vec<Objection>,
    /// What its author should know.
    pub warnings: Vec<Objection>,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be stored.
    Allowed {
        /// What its author is told, each within what an API server passes on.
        warnings: Vec<String>,
    },
    /// It may not.
    Refused {
        /// Why not, with fields and remedies.
        message: String,
        /// What its author is told besides.
        warnings: Vec<String>,
    },
}

impl Verdict {
    /// It may be stored, and there is nothing to say.
    #[must_use]
    pub const fn pass() -> Self {
        Self::Allowed { warnings: Vec::new() }
    }

    /// A word for metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Allowed { warnings } if warnings.is_empty() => "allowed",
            Self::Allowed { .. } => "warned",
            Self::Refused { .. } => "refused",
        }
    }
}

impl Opinion {
    /// What `what` comes to. What was wrong `before` the change already is no reason to refuse it: whoever mends or labels one thing need
    /// not mend all others in the same step.
    #[must_use]
    pub fn verdict(mut self, what: &str, before: Option<&Self>) -> Verdict {
        let known = |objection: &Objection| {
            before.is_some_and(|before| before.errors.iter().any(|known| objection.is_as(known)))
        };
        let (old, new): (Vec<_>, Vec<_>) = self.errors.into_iter().partition(known);
        self.warnings.splice(0..0, old);
        let warnings = warnings(&self.warnings);
        if new.is_empty() {
            return Verdict::Allowed { warnings };
        }
        let mut message = format!("{what} is refused:");
        for objection in new.iter().take(TOLD) {
            message.push_str("\n- ");
            message.push_str(&cut(&objection.text(), TOLD_CHARS));
        }
        if new.len() > TOLD {
            message.push_str(&format!("\nand {} more.", new.len() - TOLD));
        }
        Verdict::Refused { message, warnings }
    }
}

impl Objection {
    /// Whether `known` is the same mistake: of the same kind in the same field, whatever its value is by now, or word for word the same in
    /// a field that others have moved.
    fn is_as(&self, known: &Self) -> bool {
        let in_place = !self.field.is_empty() && self.field == known.field;
        self.code == known.code && (in_place || self.message == known.message)
    }

    fn text(&self) -> String {
        let Self { field, message, remedy, .. } = self;
        let colon = if field.is_empty() { "" } else { ": " };
        let space = if remedy.is_empty() { "" } else { " " };
        format!("{field}{colon}{message}{space}{remedy}")
    }
}

impl From<&Finding> for Objection {
    fn from(finding: &Finding) -> Self {
        Self {
            code: finding.code.clone(),
            field: finding.field.clone(),
            message: finding.message.clone(),
            remedy: finding.remedy.clone(),
        }
    }
}

impl<'a> FromIterator<&'a Finding> for Opinion {
    /// Errors refuse, warnings warn.
    fn from_iter<T: IntoIterator<Item = &'a Finding>>(findings: T) -> Self {
        let mut opinion = Self::default();
        for finding in findings {
            let list = match finding.severity {
                Severity::Error => &mut opinion.errors,
                Severity::Warning => &mut opinion.warnings,
            };
            list.push(finding.into());
        }
        opinion
    }
}

fn warnings(objections: &[Objection]) -> Vec<String> {
    let fits = if objections.len() > WARNINGS { WARNINGS - 1 } else { WARNINGS };
    let mut told: Vec<_> = objections.iter().take(fits).map(warning).collect();
    if objections.len() > fits {
        told.push(format!("and {} more warnings", objections.len() - fits));
    }
    told
}

/// Without its remedy where both do not fit.
fn warning(objection: &Objection) -> String {
    let text = objection.text();
    if text.chars().count() <= WARNING_CHARS {
        return text;
    }
    cut(&Objection { remedy: String::new(), ..objection.clone() }.text(), WARNING_CHARS)
}

/// The first `most` characters, on one line: names and values are of whoever wrote the object.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.chars().map(shown).collect();
    }
    text.chars().take(most.saturating_sub(1)).map(shown).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objection(message: &str) -> Objection {
        Objection {
            code: message.to_owned(),
            field: "spec.rules".to_owned(),
            message: message.to_owned(),
            remedy: "Write less.".to_owned(),
        }
    }

    fn errors(messages: &[&str]) -> Opinion {
        Opinion { errors: messages.iter().map(|message| objection(message)).collect(), warnings: Vec::new() }
    }

    #[test]
    fn a_refusal_names_field_sentence_and_remedy_of_each() {
        let verdict = errors(&["Too long.", "Too wide."]).verdict("Ingress team/web", None);
        let message =
            "Ingress team/web is refused:\n- spec.rules: Too long. Write less.\n- spec.rules: Too wide. Write less.";
        assert_eq!(verdict, Verdict::Refused { message: message.to_owned(), warnings: vec![] });
        assert_eq!(verdict.word(), "refused");
    }

    #[test]
    fn what_was_wrong_before_warns_and_what_is_new_refuses() {
        let before = errors(&["Too long."]);
        let same = errors(&["Too long."]).verdict("Ingress team/web", Some(&before));
        assert_eq!(same, Verdict::Allowed { warnings: vec!["spec.rules: Too long. Write less.".to_owned()] });
        assert_eq!(same.word(), "warned");
        let Verdict::Refused { message, warnings } =
            errors(&["Too long.", "Too wide."]).verdict("Ingress team/web", Some(&before))
        else {
            panic!("it is refused");
        };
        assert!(message.contains("Too wide.") && !message.contains("Too long."), "{message}");
        assert_eq!(warnings.len(), 1);
        assert_eq!(Opinion::default().verdict("", Some(&before)), Verdict::pass());
    }

    #[test]
    fn a_mistake_is_the_old_one_by_its_field_and_kind_or_by_its_words() {
        let made = |code: &str, field: &str, message: &str| Opinion {
            errors: vec![Objection { code: code.to_owned(), field: field.to_owned(), ..objection(message) }],
            warnings: Vec::new(),
        };
        let before = made("Bad", "spec.rules[1]", "Three of them.");
        for (now, refused) in [
            (made("Bad", "spec.rules[1]", "Two of them."), false),
            (made("Bad", "spec.rules[0]", "Three of them."), false),
            (made("Bad", "spec.rules[0]", "Two of them."), true),
            (made("Worse", "spec.rules[1]", "Three of them."), true),
        ] {
            let verdict = now.clone().verdict("Ingress team/web", Some(&before));
            assert_eq!(verdict.word() == "refused", refused, "{now:?}");
        }
        let whole = |message| made("ClassTaken", "", message);
        assert_eq!(whole("One.").verdict("", Some(&whole("Another."))).word(), "refused");
    }

    #[test]
    fn what_is_told_is_bounded_and_on_one_line_each() {
        let long = format!("{}\n{}.", "ä".repeat(300), "x".repeat(5000));
        let many: Vec<_> = std::iter::repeat_n(objection(&long), 500).collect();
        let opinion = Opinion { errors: many.clone(), warnings: many };
        let Verdict::Refused { message, warnings } = opinion.verdict("Ingress team/web", None) else {
            panic!("it is refused");
        };
        assert_eq!(message.lines().count(), TOLD + 2);
        assert!(message.chars().count() < (TOLD + 1) * (TOLD_CHARS + 4), "{}", message.chars().count());
        assert!(message.ends_with("and 492 more."), "{message}");
        assert_eq!(warnings.len(), WARNINGS);
        assert!(warnings.iter().all(|warning| warning.chars().count() <= WARNING_CHARS && !warning.contains('\n')));
        assert_eq!(warnings.last().map(String::as_str), Some("and 493 more warnings"));
    }

    #[test]
    fn a_warning_gives_up_its_remedy_before_its_sentence() {
        let objection = Objection { remedy: "Do that. ".repeat(40), ..objection("It is so.") };
        assert_eq!(warning(&objection), "spec.rules: It is so.");
    }
}
