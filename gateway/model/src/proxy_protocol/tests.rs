use proptest::prelude::*;

use super::*;

/// A header of version 2.
fn binary(command: u8, family: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &length, content].concat()
}

const FOUR: [u8; 12] = [203, 0, 113, 7, 192, 0, 2, 1, 0xc0, 0x01, 0x01, 0xbb];

fn six() -> Vec<u8> {
    let ip = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
    [&ip("2001:db8::7")[..], &ip("2001:db8::1"), &[0xc0, 0x01, 0x01, 0xbb]].concat()
}

fn origin(from: &str, to: &str) -> Origin {
    Origin::Client { from: from.parse().unwrap(), to: to.parse().unwrap() }
}

/// All at once.
fn decode(bytes: &[u8]) -> Result<Progress, Refusal> {
    Decoder::default().push(bytes)
}

fn four() -> Origin {
    origin("203.0.113.7:49153", "192.0.2.1:443")
}

#[test]
fn lines_of_version_1() {
    let longest =
        "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    let all = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    assert_eq!(longest.len(), 104);
    for (line, expected) in [
        ("PROXY TCP4 203.0.113.7 192.0.2.1 49153 443\r\n", Ok(four())),
        ("PROXY TCP6 2001:db8::7 ::1 1 0\r\n", Ok(origin("[2001:db8::7]:1", "[::1]:0"))),
        ("PROXY TCP6 ::ffff:203.0.113.7 ::ffff:192.0.2.1 49153 443\r\n", Ok(four())),
        (longest, Ok(origin(&format!("[{all}]:65535"), &format!("[{all}]:65535")))),
        ("PROXY UNKNOWN\r\n", Ok(Origin::Peer)),
        ("PROXY UNKNOWN whatever it is\r\n", Ok(Origin::Peer)),
        ("PROXY UNKNOWNS\r\n", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 49153 443\n", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 49153 443\rX", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 49153\r\n", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 49153 443 1\r\n", Err(Refusal::Line)),
        ("PROXY TCP4  203.0.113.7 192.0.2.1 49153 443\r\n", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 49153 443 \r\n", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.7\t192.0.2.1 49153 443\r\n", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.07 192.0.2.1 49153 443\r\n", Err(Refusal::Line)),
        ("PROXY TCP4 2001:db8::7 ::1 1 0\r\n", Err(Refusal::Line)),
        ("PROXY TCP6 203.0.113.7 192.0.2.1 49153 443\r\n", Err(Refusal::Line)),
        ("PROXY TCP6 fe80::1%eth0 ::1 1 0\r\n", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 65536 443\r\n", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 +1 443\r\n", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 0443 443\r\n", Err(Refusal::Line)),
        ("PROXY TCP4 203.0.113.7 192.0.2.1  443\r\n", Err(Refusal::Line)),
        ("PROXY tcp4 203.0.113.7 192.0.2.1 1 443\r\n", Err(Refusal::Line)),
        ("PROXY UDP4 203.0.113.7 192.0.2.1 1 443\r\n", Err(Refusal::Line)),
        ("PROXY \r\n", Err(Refusal::Line)),
        ("PROXY\r\n", Err(Refusal::Absent)),
        ("proxy TCP4", Err(Refusal::Absent)),
        ("POST / HTTP/1.1\r\n", Err(Refusal::Absent)),
        ("GET / HTTP/1.1\r\n", Err(Refusal::Absent)),
        ("\u{16}\u{3}\u{1}", Err(Refusal::Absent)),
        ("\r\nGET / HTTP/1.1\r\n", Err(Refusal::Absent)),
    ] {
        let expected = expected.map(|origin| Progress { taken: line.len(), origin: Some(origin) });
        assert_eq!(decode(line.as_bytes()), expected, "{line:?}");
    }
}

/// Read before anything is known of a client, and so up to a bound: as in Traefik CVE-2026-26998.
#[test]
fn a_line_has_107_bytes_at_most() {
    let line = |length: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16));
    assert_eq!(decode(line(TEXT_BYTES).as_bytes()).map(|progress| progress.origin), Ok(Some(Origin::Peer)));
    assert_eq!(decode(line(TEXT_BYTES + 1).as_bytes()), Err(Refusal::TooLong));
    assert_eq!(decode(&[b"PROXY ".to_vec(), vec![b'x'; 10 * TEXT_BYTES]].concat()), Err(Refusal::TooLong));
}

#[test]
fn headers_of_version_2() {
    let with = |addresses: &[u8], more: usize| [addresses, &vec![0xff; more]].concat();
    let checksum = [&FOUR[..], &[3, 0, 4, 1, 2, 3, 4]].concat();
    for (case, header, expected) in [
        ("IPv4", binary(0x21, 0x11, &FOUR), Ok(four())),
        ("IPv6", binary(0x21, 0x21, &six()), Ok(origin("[2001:db8::7]:49153", "[2001:db8::1]:443"))),
        ("values behind", binary(0x21, 0x11, &with(&FOUR, 500)), Ok(four())),
        ("a checksum that is wrong", binary(0x21, 0x11, &checksum), Ok(four())),
        ("as long as may be", binary(0x21, 0x11, &with(&FOUR, BINARY_BYTES - 12)), Ok(four())),
        ("longer", binary(0x21, 0x11, &with(&FOUR, BINARY_BYTES - 11)), Err(Refusal::TooLong)),
        ("a health check", binary(0x20, 0x00, &[]), Ok(Origin::Peer)),
        ("a health check with addresses", binary(0x20, 0x11, &FOUR), Ok(Origin::Peer)),
        ("a health check over a UNIX socket", binary(0x20, 0x31, &[0; 216]), Ok(Origin::Peer)),
        ("unspecified", binary(0x21, 0x00, &[9; 5]), Ok(Origin::Peer)),
        ("a UNIX socket", binary(0x21, 0x31, &[0; 216]), Err(Refusal::Family)),
        ("datagrams", binary(0x21, 0x12, &FOUR), Err(Refusal::Family)),
        ("datagrams over IPv6", binary(0x21, 0x22, &six()), Err(Refusal::Family)),
        ("no family that there is", binary(0x21, 0x41, &FOUR), Err(Refusal::Family)),
        ("too short for IPv4", binary(0x21, 0x11, &FOUR[..11]), Err(Refusal::TooShort)),
        ("too short for IPv6", binary(0x21, 0x21, &six()[..35]), Err(Refusal::TooShort)),
        ("version 1 in the form of 2", binary(0x11, 0x11, &FOUR), Err(Refusal::Command)),
        ("version 3", binary(0x31, 0x11, &FOUR), Err(Refusal::Command)),
        ("a command that there is not", binary(0x22, 0x11, &FOUR), Err(Refusal::Command)),
    ] {
        let expected = expected.map(|origin| Progress { taken: header.len(), origin: Some(origin) });
        assert_eq!(decode(&header), expected, "{case}");
    }
}

#[test]
fn a_header_that_is_not_over_takes_all_there_is_and_says_nothing() {
    for header in [b"PROXY TCP4 203.0.113.7 192.0.2.1 49153 443\r\n".to_vec(), binary(0x21, 0x11, &FOUR)] {
        for end in 0..header.len() {
            assert_eq!(decode(&header[..end]), Ok(Progress { taken: end, origin: None }), "{end} of {header:?}");
        }
    }
}

/// Pieces as `cuts` has them, until there is an outcome: how many bytes were taken, and what was said.
fn decode_in_pieces(bytes: &[u8], cuts: &[usize]) -> (usize, Result<Option<Origin>, Refusal>) {
    let (mut decoder, mut taken, mut cuts) = (Decoder::default(), 0, cuts.iter().copied().cycle());
    while taken < bytes.len() {
        let end = bytes.len().min(taken + cuts.next().unwrap_or(1).max(1));
        match decoder.push(&bytes[taken..end]) {
            Ok(progress) => {
                taken += progress.taken;
                if progress.origin.is_some() {
                    return (taken, Ok(progress.origin));
                }
            }
            Err(refusal) => return (0, Err(refusal)),
        }
    }
    (taken, Ok(None))
}

/// Headers, good ones and ones with a mistake, and what follows them.
fn streams() -> impl Strategy<Value = (Vec<u8>, usize)> {
    let line = (any::<[u8; 4]>(), any::<[u8; 4]>(), any::<(u16, u16)>()).prop_map(|(from, to, (one, two))| {
        format!("PROXY TCP4 {} {} {one} {two}\r\n", Ipv4Addr::from(from), Ipv4Addr::from(to)).into_bytes()
    });
    let version_2 = (prop::sample::select(vec![(0x21, 0x11), (0x21, 0x21), (0x20, 0x00), (0x21, 0x00)]), 36_usize..300)
        .prop_map(|((command, family), length)| binary(command, family, &vec![7; length]));
    let header = prop_oneof![line, version_2];
    (header, prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(header, rest)| {
        let length = header.len();
        ([header, rest].concat(), length)
    })
}

proptest! {
    #[test]
    fn what_comes_out_does_not_depend_on_how_bytes_are_cut_and_nothing_behind_a_header_is_taken(
        (bytes, length) in streams(),
        cuts in prop::collection::vec(1_usize..50, 1..8),
    ) {
        let whole = decode(&bytes).unwrap();
        prop_assert_eq!(whole.taken, length);
        prop_assert!(whole.origin.is_some());
        prop_assert_eq!(decode_in_pieces(&bytes, &cuts), (length, Ok(whole.origin)));
    }

    #[test]
    fn a_mistake_is_the_same_mistake_however_bytes_are_cut(
        (mut bytes, length) in streams(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cuts in prop::collection::vec(1_usize..50, 1..8),
    ) {
        let at = at.index(length);
        bytes[at] = byte;
        let (taken, outcome) = decode_in_pieces(&bytes, &[usize::MAX / 2]);
        prop_assert_eq!(decode_in_pieces(&bytes, &cuts), (taken, outcome));
        prop_assert!(taken <= TEXT_BYTES.max(FIXED_BYTES + BINARY_BYTES));
    }

    #[test]
    fn anything_at_all_is_a_header_or_a_refusal_or_unfinished(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(progress) = decode(&bytes) {
            prop_assert!(progress.taken <= bytes.len());
            prop_assert!(progress.origin.is_some() || progress.taken == bytes.len());
        }
    }
}
