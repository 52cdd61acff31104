//! The field names that any rule looks at, as small numbers.

/// Declares [`Name`] and its spellings from one table; a function cannot make an enum.
macro_rules! names {
    ($($name:ident = $text:literal,)*) => {
        /// A field name that some rule looks at, found once while a head is parsed; afterwards rules compare numbers.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Name {
            /// Any name that no rule knows.
            #[default]
            Other,
            $(#[doc = concat!("`", $text, "`.")] $name,)*
        }

        impl Name {
            /// Every known name, in the order of their numbers, which start at 1.
            pub const KNOWN: &[Self] = &[$(Self::$name,)*];

            /// The usual spelling; empty for [`Name::Other`].
            #[inline]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::Other => "",
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

names! {
    Accept = "Accept",
    AcceptEncoding = "Accept-Encoding",
    AcceptLanguage = "Accept-Language",
    AcceptRanges = "Accept-Ranges",
    AccessControlAllowCredentials = "Access-Control-Allow-Credentials",
    AccessControlAllowHeaders = "Access-Control-Allow-Headers",
    AccessControlAllowMethods = "Access-Control-Allow-Methods",
    AccessControlAllowOrigin = "Access-Control-Allow-Origin",
    AccessControlExposeHeaders = "Access-Control-Expose-Headers",
    AccessControlMaxAge = "Access-Control-Max-Age",
    AccessControlRequestHeaders = "Access-Control-Request-Headers",
    AccessControlRequestMethod = "Access-Control-Request-Method",
    Age = "Age",
    Allow = "Allow",
    AltSvc = "Alt-Svc",
    Authorization = "Authorization",
    Baggage = "Baggage",
    CacheControl = "Cache-Control",
    Connection = "Connection",
    ContentDigest = "Content-Digest",
    ContentDisposition = "Content-Disposition",
    ContentEncoding = "Content-Encoding",
    ContentLanguage = "Content-Language",
    ContentLength = "Content-Length",
    ContentLocation = "Content-Location",
    ContentRange = "Content-Range",
    ContentSecurityPolicy = "Content-Security-Policy",
    ContentType = "Content-Type",
    Cookie = "Cookie",
    Date = "Date",
    Digest = "Digest",
    ETag = "ETag",
    Expect = "Expect",
    Expires = "Expires",
    Forwarded = "Forwarded",
    GrpcMessage = "Grpc-Message",
    GrpcStatus = "Grpc-Status",
    GrpcStatusDetailsBin = "Grpc-Status-Details-Bin",
    Host = "Host",
    Http2Settings = "HTTP2-Settings",
    IfMatch = "If-Match",
    IfModifiedSince = "If-Modified-Since",
    IfNoneMatch = "If-None-Match",
    IfRange = "If-Range",
    IfUnmodifiedSince = "If-Unmodified-Since",
    KeepAlive = "Keep-Alive",
    LastModified = "Last-Modified",
    Link = "Link",
    Location = "Location",
    MaxForwards = "Max-Forwards",
    Origin = "Origin",
    Pragma = "Pragma",
    Proxy = "Proxy",
    ProxyAuthenticate = "Proxy-Authenticate",
    ProxyAuthorization = "Proxy-Authorization",
    ProxyConnection = "Proxy-Connection",
    Range = "Range",
    Referer = "Referer",
    Refresh = "Refresh",
    ReprDigest = "Repr-Digest",
    RetryAfter = "Retry-After",
    SecWebSocketAccept = "Sec-WebSocket-Accept",
    SecWebSocketExtensions = "Sec-WebSocket-Extensions",
    SecWebSocketKey = "Sec-WebSocket-Key",
    SecWebSocketProtocol = "Sec-WebSocket-Protocol",
    SecWebSocketVersion = "Sec-WebSocket-Version",
    Server = "Server",
    ServerTiming = "Server-Timing",
    SetCookie = "Set-Cookie",
    SslClientCert = "Ssl-Client-Cert",
    SslClientIssuerDn = "Ssl-Client-Issuer-Dn",
    SslClientSubjectDn = "Ssl-Client-Subject-Dn",
    SslClientVerify = "Ssl-Client-Verify",
    StrictTransportSecurity = "Strict-Transport-Security",
    Te = "TE",
    Traceparent = "Traceparent",
    Tracestate = "Tracestate",
    Trailer = "Trailer",
    TransferEncoding = "Transfer-Encoding",
    Upgrade = "Upgrade",
    UpgradeInsecureRequests = "Upgrade-Insecure-Requests",
    UserAgent = "User-Agent",
    Vary = "Vary",
    Via = "Via",
    WwwAuthenticate = "WWW-Authenticate",
    XAccelBuffering = "X-Accel-Buffering",
    XAccelRedirect = "X-Accel-Redirect",
    XAuthRequestRedirect = "X-Auth-Request-Redirect",
    XContentTypeOptions = "X-Content-Type-Options",
    XForwardedFor = "X-Forwarded-For",
    XForwardedHost = "X-Forwarded-Host",
    XForwardedPort = "X-Forwarded-Port",
    XForwardedPrefix = "X-Forwarded-Prefix",
    XForwardedProto = "X-Forwarded-Proto",
    XForwardedScheme = "X-Forwarded-Scheme",
    XForwardedServer = "X-Forwarded-Server",
    XFrameOptions = "X-Frame-Options",
    XOriginalForwardedFor = "X-Original-Forwarded-For",
    XOriginalMethod = "X-Original-Method",
    XOriginalUri = "X-Original-URI",
    XOriginalUrl = "X-Original-URL",
    XPoweredBy = "X-Powered-By",
    XRealIp = "X-Real-IP",
    XRequestId = "X-Request-ID",
    XRequestedWith = "X-Requested-With",
    XScheme = "X-Scheme",
    XSentFrom = "X-Sent-From",
}

/// Slots of the lookup table: a power of two that leaves room for a hash without collisions.
const SLOTS: usize = 512;

/// Which name a hash may stand for, beside its spelling. No two known names share a slot (checked by the compiler), so
/// that one compare decides.
static TABLE: [(Name, &[u8]); SLOTS] = table();

impl Name {
    /// The known name with this spelling, in any mix of cases.
    #[inline]
    pub fn find(text: &[u8]) -> Self {
        match TABLE.get(slot(text)) {
            Some((name, spelling)) if is_spelling(spelling, text) => *name,
            _ => Self::Other,
        }
    }

    /// The usual spelling as bytes; empty for [`Name::Other`].
    #[inline]
    pub const fn as_bytes(self) -> &'static [u8] {
        self.as_str().as_bytes()
    }
}

/// A set of known names. [`Name::Other`] is never in it: it stands for no name in particular.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameSet {
    /// One bit for each of the first 64 numbers of names.
    low: u64,
    /// The same of the others.
    high: u64,
}

impl NameSet {
    /// No names.
    pub const EMPTY: Self = Self { low: 0, high: 0 };

    /// These names.
    #[expect(clippy::indexing_slicing, reason = "a const fn has no iterators; the index is below the length")]
    pub const fn of(names: &[Name]) -> Self {
        let mut set = Self::EMPTY;
        let mut at = 0;
        while at < names.len() {
            set = set.with(names[at]);
            at += 1;
        }
        set
    }

    /// This set and `name`.
    #[must_use]
    #[inline]
    pub const fn with(self, name: Name) -> Self {
        match name {
            Name::Other => self,
            name if (name as u32) < u64::BITS => Self { low: self.low | bit(name), ..self },
            name => Self { high: self.high | bit(name), ..self },
        }
    }

    /// The names that are in either set.
    #[must_use]
    #[inline]
    pub const fn union(self, other: Self) -> Self {
        Self { low: self.low | other.low, high: self.high | other.high }
    }

    /// Whether `name` is in the set.
    #[inline]
    pub const fn contains(self, name: Name) -> bool {
        let half = if (name as u32) < u64::BITS { self.low } else { self.high };
        half & bit(name) != 0
    }
}

/// The bit of a name in its half of a set.
const fn bit(name: Name) -> u64 {
    1 << (name as u32 % u64::BITS)
}

const _: () = assert!(Name::KNOWN.len() < 2 * u64::BITS as usize, "a set holds no more names");

/// Whether `text` is `known` in any mix of cases. Whole words at a time, the last one overlapping: this runs for every
/// field of every message, and byte by byte it was a quarter of the cost of a head.
#[inline]
fn is_spelling(known: &[u8], text: &[u8]) -> bool {
    if known.len() != text.len() {
        return false;
    }
    match (ends(known), ends(text), halves(known), halves(text)) {
        (Some((first, last)), Some((other_first, other_last)), ..) => {
            is_same(first, other_first)
                && is_same(last, other_last)
                && (known.len() <= 16 || known.eq_ignore_ascii_case(text))
        }
        (None, None, Some(word), Some(other)) => is_same(word, other),
        _ => known.eq_ignore_ascii_case(text),
    }
}

/// The first and the last eight bytes.
#[inline]
fn ends(text: &[u8]) -> Option<(u64, u64)> {
    Some((u64::from_ne_bytes(*text.first_chunk()?), u64::from_ne_bytes(*text.last_chunk()?)))
}

/// The first and the last four bytes in one word.
#[inline]
fn halves(text: &[u8]) -> Option<u64> {
    let (first, last) = (u32::from_ne_bytes(*text.first_chunk()?), u32::from_ne_bytes(*text.last_chunk()?));
    Some(u64::from(first) << 32 | u64::from(last))
}

/// Compares a word of a known name. Known names are letters, digits and hyphens, of which only letters have the bit
/// 0x40; where it is set, the bit 0x20 (case) may differ.
#[inline]
const fn is_same(known: u64, text: u64) -> bool {
    let case = (known & 0x4040_4040_4040_4040) >> 1;
    (known ^ text) & !case == 0
}

/// The length and both ends tell all known names apart, four bytes at each; the factor was found by search. Setting the bit
/// 0x20 folds ASCII case.
#[inline]
const fn slot(text: &[u8]) -> usize {
    const FACTOR: u64 = 0x9DFF_F6E9_8419_BC2B;
    let ends = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => u32::from_le_bytes(*first) as u64 | (u32::from_le_bytes(*last) as u64) << 32,
        _ => few(text),
    };
    let hash = (ends | 0x2020_2020_2020_2020).wrapping_add(text.len() as u64).wrapping_mul(FACTOR);
    (hash >> (u64::BITS - SLOTS.ilog2())) as usize
}

/// Less than a word.
const fn few(mut text: &[u8]) -> u64 {
    let mut word = 0;
    while let [rest @ .., last] = text {
        word = word << 8 | *last as u64;
        text = rest;
    }
    word
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler: an index out of range fails the build")]
const fn table() -> [(Name, &'static [u8]); SLOTS] {
    let mut table = [(Name::Other, Name::Other.as_bytes()); SLOTS];
    let mut at = 0;
    while at < Name::KNOWN.len() {
        let name = Name::KNOWN[at];
        let slot = slot(name.as_bytes());
        assert!(matches!(table[slot].0, Name::Other), "two known names share a slot: search new factors");
        table[slot] = (name, name.as_bytes());
        at += 1;
    }
    table
}
