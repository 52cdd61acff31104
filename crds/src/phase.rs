//! The one word that people see of an instance or a lane. It is derived from what is known, and never read back.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far an instance is, in a cluster or without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Not every enabled lane has a gateway that answers.
    Pending,
    /// Every enabled lane has one, but not all of them have loaded the latest configuration, or serve their class.
    Running,
    /// Every ready gateway of every enabled lane has loaded the latest configuration and watches its class.
    Listening,
    /// The specification is not accepted, or something has been wrong for too long.
    Failed,
    /// It is left alone, as its specification asks.
    Paused,
    /// It is on its way out.
    Deleting,
}

impl Phase {
    /// Every phase, in the order in which an instance goes through them.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Listening, Self::Failed, Self::Paused, Self::Deleting];

    /// What it means, as a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Pending => "Not every enabled lane has a pod that is ready.",
            Self::Running => {
                "Every enabled lane has one, but not all of them have loaded the latest configuration, or serve their class."
            }
            Self::Listening => {
                "Every ready pod of every enabled lane has loaded the latest configuration and watches its class."
            }
            Self::Failed => {
                "The specification was not accepted, or something has been wrong for too long. What ran before may well run on."
            }
            Self::Paused => "The operator leaves what exists alone.",
            Self::Deleting => "It is on its way out.",
        }
    }

    /// What to do, as a sentence.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Pending => "Wait a minute; if it stays, read the condition Available of the lanes.",
            Self::Running => "Wait a few seconds; if it stays, read the condition ConfigLoaded of the lanes.",
            Self::Listening => "Nothing.",
            Self::Failed => "Read the conditions Accepted and Degraded.",
            Self::Paused => "Set managementState to Managed when the work by hand is done.",
            Self::Deleting => "Wait; if it stays, read the condition DeletionBlocked.",
        }
    }

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Listening => "Listening",
            Self::Failed => "Failed",
            Self::Paused => "Paused",
            Self::Deleting => "Deleting",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` obeys a width, as in a column.
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_same_in_json_and_fills_a_column() {
        assert_eq!(serde_json::to_string(&Phase::Listening).unwrap(), "\"Listening\"");
        assert_eq!(format!("{:<9}|", Phase::Paused), "Paused   |");
    }
}
