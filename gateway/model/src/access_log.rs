//! What is written down about each request.

/// The access log of a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessLog {
    /// Shape of a line.
    pub format: Format,
    /// Paths that are not logged, compared with the whole path as the client wrote it.
    pub skip: Box<[Box<str>]>,
}

/// Shape of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// There is none.
    #[default]
    Off,
    /// One JSON object.
    Json,
    /// The line of ingress-nginx.
    IngressNginx,
}

impl AccessLog {
    /// The shape of the line about a request for `uri`, path and query; `None`: it has none.
    #[must_use]
    pub fn format_of(&self, uri: &[u8]) -> Option<Format> {
        let path = uri.split(|byte| *byte == b'?').next().unwrap_or_default();
        let skipped = || self.skip.iter().any(|skip| skip.as_bytes() == path);
        (self.format != Format::Off && !skipped()).then_some(self.format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_path_is_skipped_whatever_its_query_is_and_no_other_path_is() {
        let log = AccessLog { format: Format::Json, skip: ["/healthz".into()].into() };
        for (uri, is_logged) in
            [("/healthz", false), ("/healthz?a=b", false), ("/healthz/", true), ("/", true), ("/?/healthz", true)]
        {
            assert_eq!(log.format_of(uri.as_bytes()).is_some(), is_logged, "{uri}");
        }
        assert_eq!(AccessLog::default().format_of(b"/"), None);
    }
}
