//! A ConfigMap's data, as fields of responses.

use std::collections::BTreeMap;

use bulkhead_model::limits::CUSTOM_FIELDS_BYTES;
use bulkhead_model::response_fields::ResponseFields;
use bulkhead_model::template::TemplateError;
use thiserror::Error;

/// Most fields of one ConfigMap, and the longest value: as much as a client takes in one head, and far more than people write.
pub const MOST_FIELDS: usize = 64;
/// Longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 4 << 10;

/// Fields that nobody sets for a whole route: they frame a message, are for one connection (RFC 9110 §7.6.1), or are about one
/// exchange and nobody else's.
const NEVER: [&str; 14] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// Why a ConfigMap is of no use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadFields {
    #[error("has more than {MOST_FIELDS} fields")]
    Many,
    #[error("has names and values of {0} bytes together, more than {most}", most = CUSTOM_FIELDS_BYTES.default)]
    Long(usize),
    #[error("has the key {0:?}, which is no name of a field")]
    Name(String),
    #[error(
        "has a value of {0} that is no value of a field: it is longer than {MAX_VALUE_BYTES} bytes, or has control characters in it"
    )]
    Value(String),
    #[error("has a value of {0} that cannot be used: {1}")]
    Text(String, TemplateError),
}

/// The names and values in the data of a ConfigMap, each as it may stand in a head.
pub(crate) fn each(data: &BTreeMap<String, Vec<u8>>) -> Result<Vec<(&str, &[u8])>, BadFields> {
    if data.len() > MOST_FIELDS {
        return Err(BadFields::Many);
    }
    let mut fields = Vec::new();
    for (name, value) in data {
        let value = value.trim_ascii();
        if !is_token(name) {
            return Err(BadFields::Name(name.clone()));
        }
        if value.len() > MAX_VALUE_BYTES || value.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(BadFields::Value(name.clone()));
        }
        fields.push((name.as_str(), value));
    }
    Ok(fields)
}

/// The fields in the data of a ConfigMap, and the names of those that are left out.
pub(crate) fn parse(data: &BTreeMap<String, Vec<u8>>) -> Result<(ResponseFields, Vec<&str>), BadFields> {
    let (mut fields, mut never) = (Vec::new(), Vec::new());
    for (name, value) in each(data)? {
        if NEVER.contains(&name.to_ascii_lowercase().as_str()) {
            never.push(name);
        } else {
            fields.push((name.into(), value.into()));
        }
    }
    let fields = ResponseFields(fields.into());
    match fields.bytes() {
        bytes if bytes > CUSTOM_FIELDS_BYTES.size() => Err(BadFields::Long(bytes)),
        _ => Ok((fields, never)),
    }
}

/// RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &[(&str, &str)]) -> Result<(usize, Vec<String>), BadFields> {
        let data = entries.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
        parse(&data).map(|(fields, never)| (fields.0.len(), never.into_iter().map(str::to_owned).collect()))
    }

    #[test]
    fn fields_are_taken_as_they_are_written_but_for_those_that_nobody_sets() {
        assert_eq!(read(&[("X-Frame-Options", "DENY\n"), ("X-Empty", "")]), Ok((2, vec![])));
        let framing = ["Content-Length", "TRANSFER-ENCODING", "set-cookie", "Connection"];
        let (taken, never) = read(&framing.map(|name| (name, "1"))).unwrap();
        assert_eq!((taken, never.len()), (0, 4));
    }

    #[test]
    fn the_fields_of_an_ingress_have_so_many_bytes_together_and_no_more() {
        let of = |bytes: usize| {
            let name = |nth: usize| format!("x-{nth:02}");
            let (whole, rest) = (bytes / (4 + 2048), bytes % (4 + 2048));
            let value = |nth: usize| if nth < whole { 2048 } else { rest - 4 };
            let fields: Vec<_> = (0..=whole).map(|nth| (name(nth), "a".repeat(value(nth)))).collect();
            read(&fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>())
        };
        let most = CUSTOM_FIELDS_BYTES.size();
        assert_eq!(of(most), Ok((most / 2052 + 1, vec![])));
        assert_eq!(of(most + 1), Err(BadFields::Long(most + 1)));
        assert!(of(most * 7).is_err_and(|bad| bad == BadFields::Long(most * 7)));
        assert_eq!(of(most * 10), Err(BadFields::Many));
    }

    #[test]
    fn a_dollar_sign_is_a_letter_as_in_ingress_nginx() {
        let data = BTreeMap::from([("X-A".to_owned(), b"$host $ ${".to_vec())]);
        let (fields, _) = parse(&data).unwrap();
        assert_eq!(&*fields.0, [("X-A".into(), b"$host $ ${".to_vec().into_boxed_slice())]);
    }

    #[test]
    fn what_could_break_out_of_a_field_is_not_taken() {
        for value in ["a\r\nSet-Cookie: x", "a\nb", "a\0", "a\u{7f}b"] {
            assert_eq!(read(&[("X-A", value)]), Err(BadFields::Value("X-A".to_owned())), "{value:?}");
        }
        assert!(read(&[("X-A", &"a".repeat(MAX_VALUE_BYTES + 1))]).is_err());
        for name in ["", "a b", "a:b", "a\nb", "ä"] {
            assert_eq!(read(&[(name, "x")]), Err(BadFields::Name(name.to_owned())), "{name:?}");
        }
        let names: Vec<String> = (0..=MOST_FIELDS).map(|n| format!("x-{n}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        assert_eq!(read(&many), Err(BadFields::Many));
    }
}
