//! A ConfigMap's data, as what an authentication service is told besides.

use std::collections::BTreeMap;

use bulkhead_model::Template;
use bulkhead_model::template::TemplateError;

use crate::own_fields::is_own;
use crate::response_fields::{BadFields, each};

/// What nobody says unless an Ingress does; some services ask for it.
const FREE: &[&str] = &["x-forwarded-method", "x-forwarded-uri"];

/// Fields, and what each says of a request.
pub(crate) type AuthFields = Box<[(Box<str>, Template)]>;

/// The fields in the data of a ConfigMap, and the names of those that are left out.
pub(crate) fn parse(data: &BTreeMap<String, Vec<u8>>) -> Result<(AuthFields, Vec<&str>), BadFields> {
    let (mut fields, mut own) = (Vec::new(), Vec::new());
    for (name, value) in each(data)? {
        if is_own(name, FREE) {
            own.push(name);
            continue;
        }
        let bad = |why| BadFields::Text(name.to_owned(), why);
        let text = std::str::from_utf8(value).map_err(|_| bad(TemplateError::Control))?;
        fields.push((name.into(), Template::parse(text).map_err(bad)?));
    }
    Ok((fields.into(), own))
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
