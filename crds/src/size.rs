//! A number of bytes as people write it: `512`, `32Ki`, `1Mi`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema::rule;

/// What a size looks like: digits, and perhaps a binary unit. Decimal units are left out, because nobody means them for buffers.
pub const SIZE_PATTERN: &str = "^[0-9]+(Ki|Mi|Gi)?$";
/// Longest text of a size: eleven digits and a unit, well beyond the largest bound of any field.
const SIZE_BYTES: usize = 13;

/// A number of bytes.
///
/// It is written back with the largest unit that divides it: `1024` becomes `1Ki`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(u64);

impl Size {
    /// That many KiB.
    #[must_use]
    pub const fn from_kib(kib: u32) -> Self {
        Self((kib as u64) << 10)
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The CEL rule that keeps a field between two sizes, both included. What is no size is left to the pattern to refuse.
    pub(crate) fn between(least: &str, most: &str) -> Value {
        rule(
            &format!(
                "!isQuantity(self) || quantity(self).compareTo(quantity('{least}')) >= 0 && quantity(self).compareTo(quantity('{most}')) <= 0"
            ),
            &format!("must be between {least} and {most}"),
        )
    }
}

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no size: write bytes as digits, perhaps with the unit Ki, Mi or Gi, such as 32Ki")]
pub struct SizeError(String);

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).ok_or_else(|| SizeError(text.chars().take(SIZE_BYTES + 1).collect()))
    }
}

fn parse(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let shift = match unit {
        "" => 0,
        "Ki" => 10,
        "Mi" => 20,
        "Gi" => 30,
        _ => return None,
    };
    if text.len() > SIZE_BYTES {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit =
            [("Gi", 30), ("Mi", 20), ("Ki", 10)].into_iter().find(|(_, shift)| self.0.trailing_zeros() >= *shift);
        match unit {
            Some((unit, shift)) if self.0 > 0 => write!(f, "{}{unit}", self.0 >> shift),
            _ => write!(f, "{}", self.0),
        }
    }
}

impl TryFrom<String> for Size {
    type Error = SizeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": SIZE_BYTES, "pattern": SIZE_PATTERN })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        for (text, bytes) in [("0", 0), ("512", 512), ("32Ki", 32 << 10), ("1Mi", 1 << 20), ("1024Gi", 1 << 40)] {
            assert_eq!(text.parse::<Size>().unwrap().bytes(), bytes, "{text}");
        }
    }

    #[test]
    fn other_notations_are_refused() {
        for text in ["", "Ki", "1k", "1KB", "-1", "1.5Mi", "1 Mi", "1Ti", "99999999999999", "99999999999Gi"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn sizes_survive_writing_and_reading(text in "[0-9]{1,9}(Ki|Mi|Gi)?") {
            let size: Size = text.parse().unwrap();
            prop_assert_eq!(size.to_string().parse::<Size>().unwrap(), size);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            let _ = text.parse::<Size>();
        }
    }
}
