//! Every condition that the operator reports: what it is about, which way is good, and what each reason asks of its reader.
//!
//! The operator takes its types and reasons from here, and the documentation prints the same table.

use std::fmt;

/// Type of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// The specification can be carried out.
    Accepted,
    /// Every enabled lane serves its latest configuration.
    Ready,
    /// Something is on its way to the specification.
    Progressing,
    /// Something has been wrong for longer than its grace period.
    Degraded,
    /// The operator leaves the instance alone.
    Paused,
    /// No field is set that this version does not act on.
    FullyObeyed,
    /// Deletion waits.
    DeletionBlocked,
    /// A lane has enough ready pods.
    Available,
    /// A lane's pods all run the latest template.
    RolledOut,
    /// A lane can be reached at an address.
    Exposed,
    /// A lane's ready pods have loaded its latest configuration.
    ConfigLoaded,
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The whole instance: `status.conditions`.
    Instance,
    /// One lane: `status.lanes[].conditions`.
    Lane,
}

/// Which status of a condition is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Polarity {
    /// True is good.
    Positive,
    /// False is good.
    Negative,
    /// Neither: it tells what goes on.
    Neutral,
}

impl ConditionType {
    /// Every condition, those of the instance first.
    pub const ALL: [Self; 11] = [
        Self::Accepted,
        Self::Ready,
        Self::Progressing,
        Self::Degraded,
        Self::Paused,
        Self::FullyObeyed,
        Self::DeletionBlocked,
        Self::Available,
        Self::RolledOut,
        Self::Exposed,
        Self::ConfigLoaded,
    ];

    /// What it is about.
    #[must_use]
    pub const fn subject(self) -> Subject {
        self.row().subject
    }

    /// Which status is the good one.
    #[must_use]
    pub const fn polarity(self) -> Polarity {
        self.row().polarity
    }

    /// The word that stands in `type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What True means, as a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.row().meaning
    }

    const fn row(self) -> TypeRow {
        use Polarity::{Negative, Neutral, Positive};
        use Subject::{Instance, Lane};
        match self {
            Self::Accepted => {
                TypeRow::new("Accepted", Instance, Positive, "The specification is valid and can be carried out.")
            }
            Self::Ready => TypeRow::new(
                "Ready",
                Instance,
                Positive,
                "Every ready pod of every enabled lane serves the latest configuration.",
            ),
            Self::Progressing => {
                TypeRow::new("Progressing", Instance, Neutral, "A lane is being created, rolled out or changed.")
            }
            Self::Degraded => TypeRow::new(
                "Degraded",
                Instance,
                Negative,
                "Something has been wrong for longer than rollouts and restarts explain.",
            ),
            Self::Paused => {
                TypeRow::new("Paused", Instance, Neutral, "The operator leaves what exists alone until told otherwise.")
            }
            Self::FullyObeyed => TypeRow::new(
                "FullyObeyed",
                Instance,
                Positive,
                "Every field that is set is acted upon by this version.",
            ),
            Self::DeletionBlocked => TypeRow::new(
                "DeletionBlocked",
                Instance,
                Negative,
                "The instance is being deleted, but something holds it.",
            ),
            Self::Available => TypeRow::new("Available", Lane, Positive, "Enough pods of the lane are ready to serve."),
            Self::RolledOut => {
                TypeRow::new("RolledOut", Lane, Positive, "All pods of the lane run the latest pod template.")
            }
            Self::Exposed => TypeRow::new("Exposed", Lane, Positive, "Clients can reach the lane as its service asks."),
            Self::ConfigLoaded => TypeRow::new(
                "ConfigLoaded",
                Lane,
                Positive,
                "Every ready pod of the lane has loaded its latest configuration and watches its class.",
            ),
        }
    }
}

struct TypeRow {
    name: &'static str,
    subject: Subject,
    polarity: Polarity,
    meaning: &'static str,
}

impl TypeRow {
    const fn new(name: &'static str, subject: Subject, polarity: Polarity, meaning: &'static str) -> Self {
        Self { name, subject, polarity, meaning }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
