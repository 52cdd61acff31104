//! What of a Secret or ConfigMap becomes part of a keyring. Authors of Ingresses choose the Secret: only what serving TLS takes is
//! copied, and hashes of passwords.

use std::collections::BTreeMap;

use bulkhead_compile::{MAX_FIELD_BYTES, MOST_FIELDS, MOST_USERS, Needs, USERS, hashed_lines, is_hashed};
use bulkhead_plan::keyring::{EntryName, RefusedBecause, RefusedEntry};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

/// The type that Kubernetes gives to a certificate with its key.
const TLS_SECRET_TYPE: &str = "kubernetes.io/tls";
/// Keys that such a Secret has them under.
const KEYS: [&str; 2] = ["tls.crt", "tls.key"];
/// Keys under which Secrets of any type have issuers of certificates and what those have revoked. Neither is secret. They are copied
/// together or not at all: without the second whoever it shuts out would be let in.
const ISSUERS: [&str; 2] = ["ca.crt", "ca.crl"];
/// Longest value that is copied: a chain of certificates takes a tenth of it, and several values fit one Secret of the keyring.
const VALUE_BYTES: usize = 128 * 1024;

/// What of a Secret is copied, and what is not although it is needed.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) entries: Vec<(EntryName, Vec<u8>)>,
    pub(super) refused: Vec<RefusedEntry>,
}

/// Chooses from the Secret `namespace`/`name`.
pub(super) fn choose(namespace: &str, name: &str, secret: Secret, needs: Needs) -> Copied {
    let data = secret.data.unwrap_or_default();
    let mut refused = Vec::new();
    let mut refuse = |key: &str, why| {
        refused.push(RefusedEntry { entry: EntryName::new(namespace, name, key), why });
    };
    let too_long = |key: &&&str| data.get(**key).is_some_and(|value: &ByteString| value.0.len() > VALUE_BYTES);
    let mut keys: Vec<&str> = Vec::new();
    if needs.issuers {
        let long: Vec<_> = ISSUERS.iter().filter(too_long).collect();
        long.iter().for_each(|key| refuse(key, RefusedBecause::ValueTooLong));
        if long.is_empty() {
            keys.extend(ISSUERS);
        }
    }
    if needs.certificate && secret.type_.as_deref() == Some(TLS_SECRET_TYPE) {
        let (long, fit): (Vec<&str>, Vec<&str>) = KEYS.iter().partition(|key| too_long(key));
        long.iter().for_each(|key| refuse(key, RefusedBecause::ValueTooLong));
        keys.extend(fit);
    } else if needs.certificate {
        KEYS.iter().take(1).for_each(|key| refuse(key, RefusedBecause::WrongType));
    }
    let mut entries = BTreeMap::new();
    if needs.users {
        let users = data.get(USERS).map(|value| hashed_lines(&value.0));
        match users {
            Some((lines, _)) if lines.len() > VALUE_BYTES => refuse(USERS, RefusedBecause::ValueTooLong),
            Some((lines, has_others)) => {
                if has_others {
                    refuse(USERS, RefusedBecause::NotHashed);
                }
                entries.insert(USERS.to_owned(), lines);
            }
            None => {}
        }
    }
    if needs.user_map {
        let (hashed, other): (Vec<_>, Vec<_>) = data.iter().partition(|(_, value)| is_hashed(&value.0));
        // One shows what is wrong; a Secret that is for something else has many.
        if let Some((key, _)) = other.first() {
            refuse(key, RefusedBecause::NotHashed);
        }
        if let Some((key, _)) = hashed.get(MOST_USERS) {
            refuse(key, RefusedBecause::TooMany);
        }
        let hashed = hashed.into_iter().take(MOST_USERS).map(|(key, value)| (key.clone(), value.0.clone()));
        for (key, value) in hashed {
            // What a file of users has under this key is more than one user.
            entries.entry(key).or_insert(value);
        }
    }
    entries.extend(keys.iter().filter_map(|key| Some(((*key).to_owned(), data.get(*key)?.0.clone()))));
    let entries = entries.into_iter().map(|(key, value)| (EntryName::new(namespace, name, &key), value)).collect();
    Copied { entries, refused }
}

/// Chooses from the ConfigMap `namespace`/`name`, which is for fields of messages.
pub(super) fn choose_fields(namespace: &str, name: &str, config_map: ConfigMap) -> Copied {
    let (mut entries, mut refused) = (Vec::new(), Vec::new());
    for (key, value) in config_map.data.unwrap_or_default() {
        let entry = EntryName::of_config_map(namespace, name, &key);
        // One more than is taken shows whoever reads it that there are more.
        if value.len() > MAX_FIELD_BYTES || entries.len() > MOST_FIELDS {
            refused.push(RefusedEntry { entry, why: RefusedBecause::TooMany });
            break;
        }
        entries.push((entry, value.into_bytes()));
    }
    // All or none: a page without some of what protects it looks as if it had all.
    if !refused.is_empty() {
        entries.clear();
    }
    Copied { entries, refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(of: &str, needs: Needs, data: &[(&str, usize)]) -> Copied {
        let data = data.iter().map(|&(key, bytes)| (key.to_owned(), ByteString(vec![0; bytes]))).collect();
        let secret = Secret { type_: Some(of.to_owned()), data: Some(data), ..Secret::default() };
        choose("team", "web", secret, needs)
    }

    fn keys(of: &str, needs: Needs, data: &[(&str, usize)]) -> Vec<String> {
        chosen(of, needs, data).entries.into_iter().map(|(entry, _)| entry.key).collect()
    }

    #[test]
    fn what_is_needed_and_not_copied_is_told() {
        let told = |of: &str, needs, data: &[(&str, usize)]| -> Vec<_> {
            let refused = chosen(of, needs, data).refused.into_iter();
            refused.map(|refused| (refused.entry.to_string(), refused.why)).collect()
        };
        let long = [("tls.crt", VALUE_BYTES + 1), ("ca.crl", VALUE_BYTES + 1)];
        let certificate = ("team_web_tls.crt".to_owned(), RefusedBecause::ValueTooLong);
        let issuers = ("team_web_ca.crl".to_owned(), RefusedBecause::ValueTooLong);
        assert_eq!(told(TLS_SECRET_TYPE, Needs::CERTIFICATE.or(Needs::ISSUERS), &long), [issuers.clone(), certificate]);
        assert_eq!(told("Opaque", Needs::ISSUERS, &long), [issuers]);
        let type_ = ("team_web_tls.crt".to_owned(), RefusedBecause::WrongType);
        assert_eq!(told("Opaque", Needs::CERTIFICATE, &long), [type_]);
        assert_eq!(told(TLS_SECRET_TYPE, Needs::CERTIFICATE, &[("tls.crt", 1), ("token", VALUE_BYTES + 1)]), []);
    }

    #[test]
    fn only_what_serving_tls_takes_is_copied() {
        let all = [("tls.crt", 1), ("tls.key", 1), ("ca.crt", 1), ("ca.crl", 1), ("password", 1), ("token", 1)];
        assert_eq!(keys(TLS_SECRET_TYPE, Needs::CERTIFICATE, &all), ["tls.crt", "tls.key"]);
        for other in ["Opaque", "kubernetes.io/service-account-token"] {
            assert_eq!(keys(other, Needs::CERTIFICATE, &all), Vec::<String>::new());
        }
        for any in [TLS_SECRET_TYPE, "Opaque", "kubernetes.io/service-account-token"] {
            assert_eq!(keys(any, Needs::ISSUERS, &all), ["ca.crl", "ca.crt"], "{any}");
        }
        let both = Needs::CERTIFICATE.or(Needs::ISSUERS);
        assert_eq!(keys(TLS_SECRET_TYPE, both, &all), ["ca.crl", "ca.crt", "tls.crt", "tls.key"]);
    }

    /// As it is copied, with what is told about the rest.
    fn copied(needs: Needs, data: &[(&str, &str)]) -> (Vec<(String, String)>, Vec<RefusedBecause>) {
        let data = data.iter().map(|(key, text)| ((*key).to_owned(), ByteString(text.as_bytes().to_vec()))).collect();
        let copied = choose("team", "web", Secret { data: Some(data), ..Secret::default() }, needs);
        let text = |value| String::from_utf8(value).expect("text");
        let entries = copied.entries.into_iter().map(|(entry, value)| (entry.key, text(value)));
        (entries.collect(), copied.refused.into_iter().map(|refused| refused.why).collect())
    }

    #[test]
    fn of_users_only_hashes_are_copied() {
        const HASH: &str = "{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=";
        let own = |key: &str, text: &str| (key.to_owned(), text.to_owned());
        let file = format!("# made in May\nzoe:{HASH}\n");
        let line = own("auth", &format!("zoe:{HASH}\n"));
        assert_eq!(
            copied(Needs::USERS, &[("auth", &file), ("token", "t"), ("zoe", HASH)]),
            (vec![line.clone()], vec![])
        );
        let mixed = format!("{file}adam:hunter2\n");
        assert_eq!(copied(Needs::USERS, &[("auth", &mixed)]), (vec![line.clone()], vec![RefusedBecause::NotHashed]));
        let nothing = own("auth", "");
        assert_eq!(copied(Needs::USERS, &[("auth", "eyJhbGciOi")]), (vec![nothing], vec![RefusedBecause::NotHashed]));
        let map = [("zoe", HASH), ("adam", "hunter2"), ("token", "eyJhbGciOi"), ("auth", &*file)];
        assert_eq!(copied(Needs::USER_MAP, &map), (vec![own("zoe", HASH)], vec![RefusedBecause::NotHashed]));
        let both = (vec![line, own("zoe", HASH)], vec![RefusedBecause::NotHashed]);
        assert_eq!(copied(Needs::USER_MAP.or(Needs::USERS), &map), both);
        assert_eq!(copied(Needs::CERTIFICATE.or(Needs::ISSUERS), &map).0, []);
        let long = format!("zoe:{HASH}\n").repeat(VALUE_BYTES / 30);
        assert_eq!(copied(Needs::USERS, &[("auth", &long)]), (vec![], vec![RefusedBecause::ValueTooLong]));
    }

    #[test]
    fn fields_are_copied_all_or_none_and_not_without_end() {
        let chosen = |data: Vec<(String, String)>| {
            choose_fields("team", "web", ConfigMap { data: Some(data.into_iter().collect()), ..ConfigMap::default() })
        };
        let many = |count| (0..count).map(|n| (format!("x-{n:03}"), "1".to_owned())).collect::<Vec<_>>();
        let copied = chosen(many(2));
        assert_eq!(copied.entries[0].0.to_string(), "ConfigMap_team_web_x-000");
        assert_eq!((copied.entries.len(), copied.refused.len()), (2, 0));
        let long = vec![("x".to_owned(), "1".repeat(MAX_FIELD_BYTES + 1)), ("a".to_owned(), "1".to_owned())];
        for data in [many(1000), long] {
            let copied = chosen(data);
            assert_eq!((copied.entries.len(), copied.refused.len()), (0, 1));
        }
    }

    #[test]
    fn a_value_that_is_too_long_is_left_out_and_the_others_are_not() {
        let data = [("tls.crt", VALUE_BYTES + 1), ("tls.key", VALUE_BYTES)];
        assert_eq!(keys(TLS_SECRET_TYPE, Needs::CERTIFICATE, &data), ["tls.key"]);
    }

    #[test]
    fn issuers_without_all_that_they_have_revoked_are_not_copied() {
        let data = [("ca.crt", 1), ("ca.crl", VALUE_BYTES + 1), ("tls.crt", 1), ("tls.key", 1)];
        assert_eq!(keys("Opaque", Needs::ISSUERS, &data), Vec::<String>::new());
        let both = Needs::CERTIFICATE.or(Needs::ISSUERS);
        assert_eq!(keys(TLS_SECRET_TYPE, both, &data), ["tls.crt", "tls.key"]);
    }
}
