//! Heads.

use bulkhead_http1::{
    Edits, HeadLimits, Progress, Refusal, RequestHead, ResponseFraming, ResponseHead, parse_request, parse_response,
    write_response,
};

use super::plain::Message;

/// A request head means the same wherever reads end, and its lines end where everybody sees it.
pub(crate) fn request_head(bytes: &[u8]) {
    for limits in [HeadLimits::default(), HeadLimits { head_bytes: 64, target_bytes: 16, fields: 3 }] {
        let parse = |bytes: &[u8]| {
            let mut head = RequestHead::default();
            let progress = parse_request(bytes, &limits, &mut head);
            (progress, head)
        };
        prefixes_agree(bytes, parse);
        if let (Ok(Progress::Complete(len)), head) = parse(bytes) {
            assert!(len <= limits.head_bytes && head.fields.len() <= limits.fields);
            assert!(!head.authority.is_empty());
            assert_whole_lines(bytes.get(..len).unwrap_or_default());
        }
    }
}

/// The same for a response head, whether it answers HEAD or not. What we write of it is one message with the same status and framing.
pub(crate) fn response_head(bytes: &[u8]) {
    for to_head in [false, true] {
        let parse = |bytes: &[u8]| {
            let mut head = ResponseHead::default();
            let progress = parse_response(bytes, &HeadLimits::default(), to_head, &mut head);
            (progress, head)
        };
        prefixes_agree(bytes, parse);
        let (Ok(Progress::Complete(len)), head) = parse(bytes) else { continue };
        assert_whole_lines(bytes.get(..len).unwrap_or_default());
        let mut out = Vec::new();
        let edits = Edits { upgrade: head.upgrade, ..Edits::default() };
        write_response(&mut out, bytes, &head, head.framing, false, false, &edits);
        let written = Message::read(&out, true);
        assert!(written.as_ref().is_ok_and(|message| message.rest.is_empty()), "{:?}", written.err());
        let (progress, again) = parse(&out);
        assert_eq!(progress, Ok(Progress::Complete(out.len())));
        assert_eq!((again.status, again.framing), (head.status, head.framing));
        assert_eq!((again.upgrade, again.length_of_get), (head.upgrade, head.length_of_get));
        assert!(again.persistent || head.framing == ResponseFraming::UntilClose || head.status == 101);
    }
}

/// What is said of every prefix agrees with what is said of the whole.
fn prefixes_agree<H: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    parse: impl Fn(&[u8]) -> (Result<Progress, Refusal>, H),
) {
    /// Beyond this many bytes not every prefix is tried, so that a long input takes no quadratic time.
    const EVERY: usize = 256;
    let (whole, whole_head) = parse(bytes);
    for end in (0..bytes.len()).step_by(bytes.len() / EVERY + 1) {
        let (prefix, head) = parse(bytes.get(..end).unwrap_or_default());
        match (prefix, whole) {
            (Ok(Progress::Complete(len)), Ok(Progress::Complete(whole))) => {
                assert_eq!((len, &head), (whole, &whole_head), "at {end}");
            }
            (Ok(Progress::Partial), Ok(Progress::Complete(len))) => assert!(end < len, "at {end}"),
            (Ok(Progress::Partial) | Err(_), Err(_)) | (Ok(Progress::Partial), Ok(Progress::Partial)) => {}
            (prefix, whole) => assert_eq!(prefix, whole, "at {end}"),
        }
    }
}

/// Every line ends in CR LF, and neither stands anywhere else.
fn assert_whole_lines(head: &[u8]) {
    let ends = head.windows(2).filter(|pair| pair == b"\r\n").count();
    let count = |byte| head.iter().filter(|other| **other == byte).count();
    assert_eq!((count(b'\r'), count(b'\n'), count(0)), (ends, ends, 0), "{}", head.escape_ascii());
}
