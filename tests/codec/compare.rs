//! Where two views of the same bytes differ.

/// Names in lower case and values, sorted.
pub(crate) type Pairs = Vec<(String, Vec<u8>)>;

/// Makes pairs of fields. Equal repetitions of Content-Length count once.
pub(crate) fn pairs<'f>(fields: impl Iterator<Item = (&'f [u8], &'f [u8])>) -> Pairs {
    let lower = |name: &[u8]| String::from_utf8_lossy(name).to_lowercase();
    let mut pairs: Pairs = fields.map(|(name, value)| (lower(name), value.to_vec())).collect();
    pairs.sort();
    pairs.dedup_by(|a, b| a == b && a.0 == "content-length");
    pairs
}

/// A message as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Method, target and version, or version and status.
    pub(crate) start: String,
    pub(crate) fields: Pairs,
    /// `None` if it broke off or was refused.
    pub(crate) content: Option<Vec<u8>>,
    /// Those that may be passed on.
    pub(crate) trailers: Pairs,
}

/// Why no further message was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// The connection was over.
    #[default]
    Over,
    /// More bytes were awaited when none came any more.
    Waits,
    /// For this reason.
    Refused(String),
}

/// What one codec made of the bytes of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) messages: Vec<Message>,
    pub(crate) end: End,
}

impl View {
    pub(crate) fn ended(self, end: End) -> Self {
        Self { end, ..self }
    }
}

impl End {
    fn name(&self) -> &str {
        match self {
            Self::Over => "over",
            Self::Waits => "waits",
            Self::Refused(reason) => reason,
        }
    }
}

/// The first difference between two views in what is accepted, and as what: `OURS / THEIRS`. Views that both refuse or await
/// the same message do not differ, whatever their reasons.
pub(crate) fn difference(ours: &View, theirs: &View) -> Option<String> {
    let mut index = 0;
    loop {
        let (our, their) = match (ours.messages.get(index), theirs.messages.get(index)) {
            (None, None) => return None,
            (None, Some(_)) => return Some(format!("{} / accepted", ours.end.name())),
            (Some(_), None) => return Some(format!("accepted / {}", theirs.end.name())),
            (Some(our), Some(their)) => (our, their),
        };
        match (&our.content, &their.content) {
            _ if our.start != their.start => return Some(format!("{} / {}", our.start, their.start)),
            _ if our.fields != their.fields => return Some("other fields".to_owned()),
            (None, None) => return None,
            (None, Some(_)) => return Some(format!("{} in content / accepted", ours.end.name())),
            (Some(_), None) => return Some("accepted / refused in content".to_owned()),
            (Some(our), Some(their)) if our != their => return Some("other content".to_owned()),
            (Some(_), Some(_)) if our.trailers != their.trailers => return Some("other trailers".to_owned()),
            (Some(_), Some(_)) => index += 1,
        }
    }
}
