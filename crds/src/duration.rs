//! A length of time as Kubernetes writes it: `10s`, `1m30s`, `500ms`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema::rule;

/// What a duration looks like (Gateway API, GEP-2257): one to four numbers of up to five digits, each with a unit.
pub const DURATION_PATTERN: &str = "^([0-9]{1,5}(h|m|s|ms)){1,4}$";
/// Longest text that [`DURATION_PATTERN`] accepts.
const DURATION_BYTES: usize = 28;
/// Most digits before one unit.
const DIGITS: usize = 5;
/// Most number-and-unit pairs.
const PARTS: usize = 4;

/// A duration in the notation of GEP-2257, held as milliseconds.
///
/// It is written back in its shortest form: `90s` becomes `1m30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration(u64);

impl Duration {
    /// A duration of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u32) -> Self {
        Self(seconds as u64 * 1000)
    }

    /// In milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// As the standard library's duration.
    #[must_use]
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }

    /// The CEL rule that keeps a field between two durations, both included. What is no duration is left to the pattern to refuse, or
    /// the user would read an error of conversion beside it.
    pub(crate) fn between(least: &str, most: &str) -> Value {
        rule(
            &format!(
                "!self.matches('{DURATION_PATTERN}') || (duration(self) >= duration('{least}') && duration(self) <= duration('{most}'))"
            ),
            &format!("must be between {least} and {most}"),
        )
    }
}

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no duration: write numbers of up to five digits with the units h, m, s or ms, such as 30s or 1m30s")]
pub struct DurationError(String);

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).ok_or_else(|| DurationError(text.chars().take(DURATION_BYTES + 1).collect()))
    }
}

fn parse(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0u64;
    for _ in 0..PARTS {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=DIGITS).contains(&digits) {
            return None;
        }
        let (number, tail) = rest.split_at_checked(digits)?;
        let (unit, tail) = unit(tail)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = tail;
        if rest.is_empty() {
            return Some(total);
        }
    }
    None
}

/// Milliseconds of the unit that `text` begins with, and what follows it.
fn unit(text: &str) -> Option<(u64, &str)> {
    // `ms` before `m`: the longer unit wins.
    [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        .into_iter()
        .find_map(|(unit, millis)| text.strip_prefix(unit).map(|rest| (millis, rest)))
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        for (unit, millis) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
            let count = rest / millis;
            rest %= millis;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        if self.0 == 0 { f.write_str("0s") } else { Ok(()) }
    }
}

impl TryFrom<String> for Duration {
    type Error = DurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> Self {
        duration.to_string()
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": DURATION_BYTES, "pattern": DURATION_PATTERN })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_kubernetes_writes_them() {
        for (text, millis) in [
            ("0s", 0),
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1h", 3_600_000),
            ("99999h", 359_996_400_000),
        ] {
            assert_eq!(text.parse::<Duration>().unwrap().as_millis(), millis, "{text}");
        }
    }

    #[test]
    fn other_notations_are_refused() {
        for text in ["", "10", "s", "-1s", "1.5s", "1d", "100000s", "1s1s1s1s1s", "1S", " 1s", "1s ", "1us", "１s"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_matches_the_pattern_survives_writing_and_reading(text in "([0-9]{1,4}(h|m|s|ms)){1,4}") {
            let duration: Duration = text.parse().unwrap();
            prop_assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            let _ = text.parse::<Duration>();
        }
    }
}
