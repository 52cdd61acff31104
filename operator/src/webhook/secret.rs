//! The Secret that holds the webhook's certificates, so that every replica shows the same one. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::certificates::{Chest, Pair};

/// Annotation: when the certificates were last changed, by the clock of the replica that did.
pub const CHANGED_AT: &str = "bulkhead.io/webhook-changed-at";
/// Labels that tell what it is for; those of lanes have others.
const LABELS: [(&str, &str); 2] =
    [("app.kubernetes.io/part-of", "bulkhead"), ("app.kubernetes.io/component", "webhook")];

/// Keys of a pair: certificate, private key, authority.
const SERVING: [&str; 3] = ["tls.crt", "tls.key", "ca.crt"];
const NEXT: [&str; 3] = ["next.crt", "next.key", "next-ca.crt"];
const RETIRED: &str = "retired-ca.crt";

/// What a Secret holds; nothing when it holds no certificate to show.
#[must_use]
pub fn read(secret: &Secret) -> Option<Chest> {
    let data = secret.data.as_ref()?;
    let text = |key: &str| String::from_utf8(data.get(key)?.0.clone()).ok();
    let pair = |[certificate, key, authority]: [&str; 3]| {
        Some(Pair { certificate: text(certificate)?, key: text(key)?, authority: text(authority)? })
    };
    let changed = secret.metadata.annotations.as_ref().and_then(|all| all.get(CHANGED_AT)?.parse::<Timestamp>().ok());
    Some(Chest { serving: pair(SERVING)?, next: pair(NEXT), retired: text(RETIRED), changed })
}

/// Whether a Secret is one that [`write`] made.
#[must_use]
pub fn is_ours(secret: &Secret) -> bool {
    let labels = secret.metadata.labels.as_ref();
    LABELS.iter().all(|(key, value)| labels.is_some_and(|labels| labels.get(*key).is_some_and(|found| found == value)))
}

/// What turns the Secret of this version into one that holds `chest`, and is refused if there is another version of it by now.
#[must_use]
pub fn patch(version: Option<&str>, chest: &Chest) -> Value {
    let written = write("", chest);
    // A key that is to go has to be named.
    let mut data: BTreeMap<_, _> =
        [SERVING, NEXT].into_iter().flatten().chain([RETIRED]).map(|key| (key.to_owned(), None)).collect();
    data.extend(written.data.into_iter().flatten().map(|(key, value)| (key, Some(value))));
    json!({
        "metadata": { "resourceVersion": version, "labels": written.metadata.labels, "annotations": written.metadata.annotations },
        "data": data,
    })
}

/// The Secret `name` that holds `chest`, and nothing else.
#[must_use]
pub fn write(name: &str, chest: &Chest) -> Secret {
    let pair = |keys: [&'static str; 3], pair: &Pair| {
        let Pair { certificate, key, authority } = pair.clone();
        keys.into_iter().zip([certificate, key, authority]).collect::<Vec<_>>()
    };
    let next = chest.next.iter().flat_map(|next| pair(NEXT, next));
    let retired = chest.retired.iter().map(|retired| (RETIRED, retired.clone()));
    let all = pair(SERVING, &chest.serving).into_iter().chain(next).chain(retired);
    let data: BTreeMap<_, _> = all.map(|(key, text)| (key.to_owned(), ByteString(text.into_bytes()))).collect();
    let labels = LABELS.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let changed = chest.changed.map(|changed| (CHANGED_AT.to_owned(), changed.to_string()));
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels.into()),
            annotations: Some(changed.into_iter().collect()),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(text: &str) -> Pair {
        Pair { certificate: format!("{text} crt"), key: format!("{text} key"), authority: format!("{text} ca") }
    }

    #[test]
    fn what_is_written_is_read() {
        let first = Chest::new(pair("a"), Timestamp::UNIX_EPOCH);
        let full = Chest { next: Some(pair("b")), retired: Some("c".to_owned()), ..first.clone() };
        for chest in [first.clone(), full, Chest { changed: None, ..first }] {
            assert_eq!(read(&write("bulkhead-webhook", &chest)), Some(chest));
        }
    }

    #[test]
    fn a_patch_takes_away_what_is_not_held_any_more() {
        let full = Chest {
            next: Some(pair("b")),
            retired: Some("c".to_owned()),
            ..Chest::new(pair("a"), Timestamp::UNIX_EPOCH)
        };
        let patch = patch(Some("7"), &Chest::new(pair("b"), Timestamp::UNIX_EPOCH));
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
        let had = write("", &full).data.expect("data");
        let kept: Vec<_> = had.keys().filter(|key| !patch["data"][key.as_str()].is_null()).collect();
        assert_eq!(kept, ["ca.crt", "tls.crt", "tls.key"]);
        assert!(is_ours(&write("", &full)) && !is_ours(&Secret::default()));
    }

    #[test]
    fn half_a_pair_is_none() {
        let mut secret = write("bulkhead-webhook", &Chest::new(pair("a"), Timestamp::UNIX_EPOCH));
        secret.data.as_mut().expect("data").remove("ca.crt");
        assert_eq!(read(&secret), None);
        assert_eq!(read(&Secret::default()), None);
    }
}
