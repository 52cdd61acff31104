//! `/v1/findings`: all of them, made as they are sent. There may be megabytes, and as many readers as there are places.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bulkhead_crds::finding::{Finding, Severity};
use bulkhead_crds::lane::LaneIdentity;
use bulkhead_crds::report::FINDINGS_LISTED;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use hyper::{Response, StatusCode};

use super::Content;
use crate::findings::Findings;
use crate::status::count;
use crate::view::View;

/// Bytes of a piece, about: what is held of the page for each reader.
const PIECE: usize = 16 << 10;
/// The order of the page.
const ORDER: [Severity; 2] = [Severity::Error, Severity::Warning];

/// The page, or, for a reader who has it, that it has not changed (RFC 9110, section 13.1.2).
pub(super) fn page(view: &View, asked: &HeaderMap) -> Response<Content> {
    let state = view.state();
    let tag = HeaderValue::from_str(&format!("\"{}\"", state.findings.digest())).ok();
    let known = tag.is_some() && asked.get(IF_NONE_MATCH) == tag.as_ref();
    let mut response = if known {
        super::with_fields(StatusCode::NOT_MODIFIED, "application/json", Empty::new().boxed())
    } else {
        let listing = Listing::of(state.identity.clone(), state.findings.clone());
        super::with_fields(StatusCode::OK, "application/json", listing.boxed())
    };
    response.headers_mut().extend(tag.map(|tag| (ETAG, tag)));
    response
}

/// A [`bulkhead_crds::report::FindingsList`] on its way.
struct Listing {
    identity: Option<LaneIdentity>,
    findings: Findings,
    /// Findings looked at, once for each severity of [`ORDER`].
    looked_at: usize,
    listed: usize,
    is_begun: bool,
    is_ended: bool,
}

impl Listing {
    const fn of(identity: Option<LaneIdentity>, findings: Findings) -> Self {
        Self { identity, findings, looked_at: 0, listed: 0, is_begun: false, is_ended: false }
    }

    /// The next piece of the page; empty at its end.
    fn piece(&mut self) -> Vec<u8> {
        let mut piece = Vec::new();
        if !self.is_begun {
            self.is_begun = true;
            piece.extend_from_slice(self.head().as_bytes());
        }
        while !self.is_ended && piece.len() < PIECE {
            let Some(finding) = self.next() else {
                self.is_ended = true;
                piece.extend_from_slice(b"]}");
                break;
            };
            // Text and words only, which always are JSON.
            let Ok(text) = serde_json::to_vec(&finding) else { continue };
            if self.listed > 0 {
                piece.push(b',');
            }
            piece.extend_from_slice(&text);
            self.listed += 1;
        }
        piece
    }

    fn head(&self) -> String {
        let [errors, warnings] = ORDER.map(|severity| count(&self.findings, severity));
        let left_out = self.findings.len().saturating_sub(FINDINGS_LISTED);
        let identity = serde_json::to_string(&self.identity).unwrap_or_else(|_| "null".to_owned());
        let counts = format!("\"errors\":{errors},\"warnings\":{warnings},\"leftOut\":{left_out}");
        format!("{{\"identity\":{identity},{counts},\"findings\":[")
    }

    fn next(&mut self) -> Option<Finding> {
        if self.listed >= FINDINGS_LISTED {
            return None;
        }
        loop {
            let severity = *ORDER.get(self.looked_at.checked_div(self.findings.len())?)?;
            let finding = self.findings.get(self.looked_at % self.findings.len())?;
            self.looked_at += 1;
            if finding.severity == severity {
                return Some(finding.clone());
            }
        }
    }
}

impl Body for Listing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.piece();
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_ended
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::finding::ObjectRef;
    use bulkhead_crds::report::FindingsList;

    use std::sync::Arc;

    use super::*;

    fn finding(number: usize, severity: Severity) -> Finding {
        Finding {
            object: ObjectRef::new("Ingress", "quay", &number.to_string()),
            field: "spec".to_owned(),
            severity,
            code: "Example".to_owned(),
            message: "It says \"no\".".to_owned(),
            remedy: String::new(),
        }
    }

    /// The page about `warnings` warnings and an error after them, and the length of its longest piece.
    fn listed(warnings: usize) -> (FindingsList, usize) {
        let all = (0..warnings).map(|number| finding(number, Severity::Warning));
        let all: Arc<[Finding]> = all.chain([finding(warnings, Severity::Error)]).collect();
        let mut listing = Listing::of(None, all.into());
        let (mut page, mut longest) = (Vec::new(), 0);
        loop {
            let piece = listing.piece();
            if piece.is_empty() {
                return (serde_json::from_slice(&page).unwrap(), longest);
            }
            longest = longest.max(piece.len());
            page.extend(piece);
        }
    }

    #[test]
    fn all_findings_are_listed_errors_first_in_pieces() {
        let (page, longest) = listed(1000);
        assert_eq!((page.errors, page.warnings, page.left_out, page.findings.len()), (1, 1000, 0, 1001));
        let names: Vec<_> = page.findings.iter().map(|finding| finding.object.name.clone()).collect();
        let expected: Vec<_> = [1000].into_iter().chain(0..1000).map(|number: usize| number.to_string()).collect();
        assert_eq!(names, expected);
        assert!(longest < PIECE * 2, "{longest}");
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let (page, _) = listed(FINDINGS_LISTED + 2);
        assert_eq!((page.left_out, page.findings.len()), (3, FINDINGS_LISTED));
        assert_eq!(page.findings[0].severity, Severity::Error);
    }

    #[test]
    fn no_findings_are_an_empty_list() {
        let page: FindingsList = serde_json::from_slice(&Listing::of(None, Findings::default()).piece()).unwrap();
        assert_eq!(page, FindingsList::default());
    }
}
