//! Paths and hosts.

use bulkhead_model::{Host, Target};

/// What is canonical stays as it is and has one reading.
pub(crate) fn path_and_host(bytes: &[u8]) {
    if let Ok(target) = Target::parse(bytes) {
        assert_one_reading(&target);
        let written = match target.query {
            Some(query) => [&*target.path, query].join(&b'?'),
            None => target.path.to_vec(),
        };
        assert_eq!(Target::parse(&written).as_ref(), Ok(&target), "the path is changed a second time");
    }
    if let Ok(host) = Host::parse(bytes) {
        let text = host.as_str();
        assert!(!text.is_empty() && !text.ends_with('.') && !text.contains(".."));
        assert!(
            text.bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'[' | b']' | b':'))
        );
        assert_eq!(Host::parse(text.as_bytes()).as_ref(), Ok(&host), "the host is changed a second time");
        let with_port = [text, ":65535"].concat();
        assert_eq!(Host::parse(with_port.as_bytes()), Ok(host), "the port makes another host of it");
    }
}

fn assert_one_reading(target: &Target<'_>) {
    let text = |bytes| std::str::from_utf8(bytes).expect("path and query are UTF-8");
    let path = text(&target.path);
    assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
    assert!(!path.contains(['\\', '?', '#']), "{path}");
    assert!(!["%2E", "%00", "%0A", "%0D"].iter().any(|encoded| path.contains(encoded)), "{path}");
    // Also for who takes escaped slashes for slashes.
    let separated = target.separated();
    let other = separated.as_deref().map_or(path, text);
    assert!(!other.contains("%2F") && !other.contains("%5C"), "{other}");
    for segment in path.split('/').chain(other.split('/')) {
        let name = segment.replace("%3B", ";");
        let name = name.split(';').next().unwrap_or_default();
        assert!(name != "." && name != "..", "{path}");
    }
    let query = target.query.map_or("", text);
    assert!(!query.contains(['#', ' ', '\r', '\n', '\0']), "{query}");
}
