//! The page of findings of a gateway, which is not trusted: what is kept of it is bounded, and what can be read of it is, whatever follows.

use std::fmt;

use bulkhead_crds::finding::Finding;
use bulkhead_crds::lane::LaneIdentity;
use bulkhead_crds::report::FINDINGS_LISTED;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::poll::bounds::bound_finding;

/// A [`FindingsList`](bulkhead_crds::report::FindingsList), as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Whose it says it is.
    pub(super) identity: Option<LaneIdentity>,
    /// At most [`FINDINGS_LISTED`], each within the lengths of its schema and without control characters.
    pub(super) findings: Vec<Finding>,
    /// How many more there are at least.
    pub(super) left_out: usize,
}

impl Page {
    /// Reads a page up to its end or to the first thing in it that is none of it.
    pub(super) fn of(content: &[u8], is_whole: bool) -> Self {
        let mut page = Self::default();
        let read = Fill(&mut page).deserialize(&mut serde_json::Deserializer::from_slice(content));
        if read.is_err() || !is_whole {
            page.left_out = page.left_out.saturating_add(1);
        }
        page
    }
}

/// Fills a page, so that what was read before an error is kept.
struct Fill<'p>(&'p mut Page);

impl<'de> DeserializeSeed<'de> for Fill<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fill<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of findings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "identity" => self.0.identity = map.next_value()?,
                "leftOut" => self.0.left_out = self.0.left_out.saturating_add(map.next_value::<u32>()? as usize),
                "findings" => map.next_value_seed(FillList(&mut *self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Fills the findings of a page.
struct FillList<'p>(&'p mut Page);

impl<'de> DeserializeSeed<'de> for FillList<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for FillList<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("findings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while self.0.findings.len() < FINDINGS_LISTED {
            let Some(mut finding) = list.next_element::<Finding>()? else { return Ok(()) };
            bound_finding(&mut finding);
            self.0.findings.push(finding);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            self.0.left_out = self.0.left_out.saturating_add(1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::finding::{ObjectRef, Severity};
    use bulkhead_crds::names::LaneName;
    use bulkhead_crds::report::FindingsList;

    use super::*;

    fn finding(name: &str, message: &str) -> Finding {
        Finding {
            object: ObjectRef::new("Ingress", "quay", name),
            field: "spec".to_owned(),
            severity: Severity::Error,
            code: "Example".to_owned(),
            message: message.to_owned(),
            remedy: String::new(),
        }
    }

    fn listed(findings: Vec<Finding>) -> Vec<u8> {
        let identity = LaneIdentity {
            namespace: "n".to_owned(),
            instance: "i".to_owned(),
            uid: "u".to_owned(),
            lane: LaneName::EastWest,
        };
        let list = FindingsList { identity: Some(identity), left_out: 3, findings, ..FindingsList::default() };
        serde_json::to_vec(&list).expect("a page")
    }

    #[test]
    fn a_page_is_read_as_a_gateway_writes_it() {
        let all = vec![finding("a", "One."), finding("b", "Two.")];
        let page = Page::of(&listed(all.clone()), true);
        assert_eq!((page.findings, page.left_out), (all, 3));
        assert_eq!(page.identity.map(|identity| identity.uid).as_deref(), Some("u"));
        // As gateways wrote it before they said who they are.
        let page = Page::of(br#"{"errors":0,"warnings":0,"leftOut":0,"findings":[]}"#, true);
        assert_eq!((page.findings.len(), page.left_out, page.identity), (0, 0, None));
    }

    #[test]
    fn of_a_page_that_is_cut_off_what_came_before_is_read() {
        let content = listed(vec![finding("a", "One."), finding("b", "Two.")]);
        for (cut, findings) in [(content.len() - 3, 1), (content.len() / 2, 0), (1, 0), (0, 0)] {
            let page = Page::of(&content[..cut], false);
            assert_eq!((page.findings.len(), page.left_out > 0), (findings, true), "{cut}");
        }
    }

    #[test]
    fn what_a_hostile_gateway_says_is_bounded() {
        let long = "\u{1b}[2J".to_owned() + &"ä".repeat(5000);
        let page = Page::of(&listed(vec![finding(&long, &long); FINDINGS_LISTED + 7]), true);
        assert_eq!((page.findings.len(), page.left_out), (FINDINGS_LISTED, 10));
        let Finding { object, message, .. } = &page.findings[0];
        assert_eq!((object.name.chars().count(), message.chars().count()), (253, 1024));
        assert!(!message.contains(char::is_control) && !object.name.contains(char::is_control));
        // Lists that are written again and again, what is no finding, and depths that would overflow the stack.
        let twice = format!("{{{0},{0}}}", format!("\"findings\":[{}]", "0,".repeat(3)));
        assert_eq!(Page::of(twice.as_bytes(), true).findings.len(), 0);
        let list = serde_json::to_string(&vec![finding("a", ""); FINDINGS_LISTED]).expect("a list");
        let page = Page::of(format!("{{\"findings\":{list},\"findings\":{list}}}").as_bytes(), true);
        assert_eq!((page.findings.len(), page.left_out), (FINDINGS_LISTED, FINDINGS_LISTED));
        for nonsense in ["[".repeat(1 << 20), "{\"x\":".repeat(1 << 20), "{\"leftOut\":-1}".to_owned(), "7".to_owned()]
        {
            let page = Page::of(nonsense.as_bytes(), true);
            assert_eq!((page.findings.len(), page.left_out), (0, 1));
        }
    }
}
