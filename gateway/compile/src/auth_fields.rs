//! A ConfigMap's data, as what an authentication service is told besides.

use std::collections::BTreeMap;

use bulkhead_model::Template;
use bulkhead_model::template::TemplateError;

use crate::response_fields::{BadFields, each};

/// Fields that an Ingress never sets, in lower case and with hyphens: they frame a message, are for one connection (RFC 9110 §7.6.1), or
/// are the gateway's own word on who asks for what, which services of several Ingresses rely on.
const OWN: [&str; 26] = [
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "x-auth-request-redirect",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
    "x-scheme",
    "x-sent-from",
];
/// Beginnings of further ones.
const OWN_PREFIXES: [&str; 2] = ["x-forwarded-", "ssl-client-"];
/// What nobody says unless an Ingress does; some services ask for it.
const FREE: [&str; 2] = ["x-forwarded-method", "x-forwarded-uri"];

/// Fields, and what each says of a request.
pub(crate) type AuthFields = Box<[(Box<str>, Template)]>;

/// The fields in the data of a ConfigMap, and the names of those that are left out.
pub(crate) fn parse(data: &BTreeMap<String, Vec<u8>>) -> Result<(AuthFields, Vec<&str>), BadFields> {
    let (mut fields, mut own) = (Vec::new(), Vec::new());
    for (name, value) in each(data)? {
        if is_own(name) {
            own.push(name);
            continue;
        }
        let bad = |why| BadFields::Text(name.to_owned(), why);
        let text = std::str::from_utf8(value).map_err(|_| bad(TemplateError::Control))?;
        fields.push((name.into(), Template::parse(text).map_err(bad)?));
    }
    Ok((fields.into(), own))
}

/// Whoever reads a field by a variable of CGI takes an underscore for a hyphen.
fn is_own(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let begins = OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    (OWN.contains(&name.as_str()) || begins) && !FREE.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &[(&str, &str)]) -> Result<(Vec<String>, Vec<String>), BadFields> {
        let data = entries.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
        let (fields, own) = parse(&data)?;
        let names = fields.iter().map(|(name, _)| name.to_string()).collect();
        Ok((names, own.into_iter().map(str::to_owned).collect()))
    }

    #[test]
    fn what_the_gateway_says_itself_nobody_else_says() {
        for own in [
            "Host",
            "X-Forwarded-For",
            "x_forwarded_for",
            "X-FORWARDED-HOST",
            "X-Real-IP",
            "X-Original-URL",
            "X-Original_Method",
            "Ssl-Client-Verify",
            "Transfer-Encoding",
            "Content-Length",
            "Via",
        ] {
            assert_eq!(read(&[(own, "x")]), Ok((vec![], vec![own.to_owned()])), "{own}");
        }
        let free = [("Authorization", "Bearer x"), ("X-Forwarded-Method", "$request_method"), ("X-Shop", "${host}")];
        assert_eq!(read(&free).unwrap().0.len(), 3);
    }

    #[test]
    fn what_could_break_out_of_a_field_or_says_nothing_known_is_not_taken() {
        for (name, value) in [("X-A", "a\r\nX-Real-IP: 1"), ("X A", "b"), ("X-A", "$nothing"), ("X-A", "a$")] {
            assert!(read(&[(name, value)]).is_err(), "{name} {value:?}");
        }
        assert!(parse(&BTreeMap::from([("X-A".to_owned(), vec![0xff])])).is_err());
    }
}
