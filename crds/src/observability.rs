//! What a lane tells about its requests: access log, traces, metrics.

use std::borrow::Cow;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The access log of a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct AccessLog {
    /// Shape of a line. Json: one object per request. IngressNginx: the line that ingress-nginx writes, for existing parsers. "Off": none;
    /// the quotes are needed, because YAML takes the bare word for a boolean.
    pub format: AccessLogFormat,
    /// Paths that are not logged, such as /healthz, compared exactly with the path of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 1024), regex(pattern = "^/")), extend("x-kubernetes-list-type" = "set"))]
    pub skip_paths: Vec<String>,
}

/// Shape of an access log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AccessLogFormat {
    /// One JSON object per request.
    #[default]
    Json,
    /// The line of ingress-nginx.
    IngressNginx,
    /// None.
    Off,
}

/// Traces of a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Tracing {
    /// Where spans are sent: the URL of an OpenTelemetry collector (OTLP over HTTP). When unset, nothing is traced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 8, max = 512), regex(pattern = r"^https?://[^\s/]+.*$"))]
    pub endpoint: Option<String>,
    /// Share of requests without a sampling decision of their own that are traced, from "0" to "1" with up to six decimals, such as "0.01".
    pub sample_ratio: SampleRatio,
}

/// What a sample ratio looks like. A string, because floating point numbers do not survive every client unchanged.
pub const SAMPLE_RATIO_PATTERN: &str = r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$";

/// A share of requests, held as parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SampleRatio(u32);

/// Parts per million that are the whole.
const WHOLE: u32 = 1_000_000;

impl SampleRatio {
    /// As parts per million, at most 1,000,000.
    #[must_use]
    pub const fn parts_per_million(self) -> u32 {
        self.0
    }
}

impl Default for SampleRatio {
    /// One request of a hundred.
    fn default() -> Self {
        Self(WHOLE / 100)
    }
}

/// Why a text is no sample ratio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no sample ratio: write a number from 0 to 1 with up to six decimals, such as \"0.01\"")]
pub struct SampleRatioError(String);

impl FromStr for SampleRatio {
    type Err = SampleRatioError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || SampleRatioError(text.chars().take(16).collect());
        let (whole, decimals) = match text.split_once('.') {
            Some((_, "")) => return Err(refuse()),
            Some(parts) => parts,
            None => (text, ""),
        };
        if decimals.len() > 6 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refuse());
        }
        let parts: u32 = format!("{decimals:0<6}").parse().map_err(|_| refuse())?;
        match (whole, parts) {
            ("0", parts) => Ok(Self(parts)),
            ("1", 0) => Ok(Self(WHOLE)),
            _ => Err(refuse()),
        }
    }
}

impl TryFrom<String> for SampleRatio {
    type Error = SampleRatioError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SampleRatio> for String {
    fn from(ratio: SampleRatio) -> Self {
        match ratio.0 {
            WHOLE.. => "1".to_owned(),
            0 => "0".to_owned(),
            parts => format!("0.{parts:06}").trim_end_matches('0').to_owned(),
        }
    }
}

impl JsonSchema for SampleRatio {
    fn schema_name() -> Cow<'static, str> {
        "SampleRatio".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": 8, "pattern": SAMPLE_RATIO_PATTERN })
    }
}

/// Metrics of a lane beyond the standard ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Metrics {
    /// Whether the most used metrics are also published under the names that ingress-nginx gives them, for existing dashboards.
    pub ingress_nginx_names: bool,
    /// Whether request metrics carry the host as a label. Every host is a time series of its own: leave it off where tenants add hosts freely.
    pub per_host: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_beyond_the_whole_or_finer_than_a_millionth_are_refused() {
        for text in ["", "1.1", "2", "0.", ".5", "0.0000001", "-0", "0.1e1", "0,5", "+1", "0.+1"] {
            assert!(text.parse::<SampleRatio>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_sample_ratio_survives_writing_and_reading(parts in 0..=WHOLE) {
            let text = String::from(SampleRatio(parts));
            prop_assert_eq!(text.parse::<SampleRatio>().unwrap().parts_per_million(), parts);
        }
    }
}
