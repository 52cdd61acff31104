//! Lists of ciphers as OpenSSL has them (openssl-ciphers(1), "CIPHER LIST FORMAT").

use bulkhead_model::ciphers::Ciphers;

/// Words of a list that are looked at: the longest that browsers and auditors recommend has thirty.
const MAX_WORDS: usize = 256;

/// What a list comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading<'l> {
    /// Suites of TLS 1.2 that are in it and spoken; `None` if that is none.
    pub(crate) ciphers: Option<Ciphers>,
    /// Words that ask for what is not spoken, or is not known; the last one may stand for more of them.
    pub(crate) left_out: Vec<&'l str>,
}

/// Each suite by its place in [`Ciphers::SPOKEN`].
const ECDSA_AES_256: u8 = 1;
const ECDSA_AES_128: u8 = 1 << 1;
const ECDSA_CHACHA20: u8 = 1 << 2;
const RSA_AES_256: u8 = 1 << 3;
const RSA_AES_128: u8 = 1 << 4;
const RSA_CHACHA20: u8 = 1 << 5;

const ECDSA: u8 = ECDSA_AES_256 | ECDSA_AES_128 | ECDSA_CHACHA20;
const RSA: u8 = RSA_AES_256 | RSA_AES_128 | RSA_CHACHA20;
const AES_256: u8 = ECDSA_AES_256 | RSA_AES_256;
const AES_128: u8 = ECDSA_AES_128 | RSA_AES_128;
const CHACHA20: u8 = ECDSA_CHACHA20 | RSA_CHACHA20;
const ALL: u8 = ECDSA | RSA;

/// Every word that means something that is spoken, in its order: names of suites with OpenSSL and with IANA, then groups of them.
const WORDS: [(&str, u8); 29] = [
    ("ECDHE-ECDSA-AES256-GCM-SHA384", ECDSA_AES_256),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", ECDSA_AES_128),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", ECDSA_CHACHA20),
    ("ECDHE-RSA-AES256-GCM-SHA384", RSA_AES_256),
    ("ECDHE-RSA-AES128-GCM-SHA256", RSA_AES_128),
    ("ECDHE-RSA-CHACHA20-POLY1305", RSA_CHACHA20),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", ECDSA_AES_256),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ECDSA_AES_128),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ECDSA_CHACHA20),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", RSA_AES_256),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", RSA_AES_128),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", RSA_CHACHA20),
    ("ALL", ALL),
    ("DEFAULT", ALL),
    ("HIGH", ALL),
    ("TLSv1.2", ALL),
    ("ECDHE", ALL),
    ("EECDH", ALL),
    ("kECDHE", ALL),
    ("kEECDH", ALL),
    ("ECDH", ALL),
    ("ECDSA", ECDSA),
    ("aECDSA", ECDSA),
    ("aRSA", RSA),
    ("AESGCM", AES_256 | AES_128),
    ("AES", AES_256 | AES_128),
    ("AES256", AES_256),
    ("AES128", AES_128),
    ("CHACHA20", CHACHA20),
];

/// What suites of TLS 1.3 begin with. They are spoken whatever a list says, and OpenSSL does not look for them in one either.
const NEWER: [&str; 3] = ["TLS_AES_128_", "TLS_AES_256_", "TLS_CHACHA20_"];

/// Reads a list. As in OpenSSL a word adds what it means, `-` before it takes that away, `!` for good, and `+` between words means what
/// all of them do. What is about order (`+` before a word, `@STRENGTH`) changes nothing, since the result has none.
pub(crate) fn read(list: &str) -> Reading<'_> {
    let (mut chosen, mut banned, mut left_out) = (0, 0, Vec::new());
    let words = list.split([':', ',', ' ', ';']).filter(|word| !word.is_empty());
    for (n, word) in words.enumerate() {
        if n == MAX_WORDS {
            left_out.push(word);
            break;
        }
        match word.split_at_checked(1) {
            // Of what is not spoken, nothing needs to be taken away.
            Some(("!", rest)) => banned |= meaning(rest).unwrap_or_default(),
            Some(("-", rest)) => chosen &= !meaning(rest).unwrap_or_default(),
            Some(("+" | "@", _)) => {}
            _ if NEWER.iter().any(|begin| word.starts_with(begin)) => {}
            _ => match meaning(word).unwrap_or_default() {
                0 => left_out.push(word),
                some => chosen |= some,
            },
        }
    }
    Reading { ciphers: Ciphers::of_bits(chosen & !banned), left_out }
}

/// What a word stands for; `None` if any part of it is unknown.
fn meaning(word: &str) -> Option<u8> {
    let known = |part: &str| WORDS.iter().find(|(name, _)| *name == part).map(|(_, suites)| *suites);
    word.split('+').try_fold(ALL, |suites, part| Some(suites & known(part)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(list: &str) -> (u8, Vec<&str>) {
        let Reading { ciphers, left_out } = read(list);
        (ciphers.map_or(0, Ciphers::bits), left_out)
    }

    #[test]
    fn each_bit_is_the_suite_of_its_name() {
        for (at, suite) in Ciphers::SPOKEN.iter().enumerate() {
            assert_eq!(bits(suite.as_str().unwrap()), (1 << at, vec![]));
        }
        assert_eq!(Ciphers::ALL.bits(), ALL);
    }

    #[test]
    fn a_list_is_read_as_openssl_reads_it() {
        for (list, expected, left_out) in [
            ("HIGH:!aNULL:!MD5", ALL, vec![]),
            ("ALL", ALL, vec![]),
            ("EECDH+AESGCM:EDH+AESGCM", AES_256 | AES_128, vec!["EDH+AESGCM"]),
            ("ECDHE+CHACHA20", CHACHA20, vec![]),
            ("ECDHE+aECDSA+AES256", ECDSA_AES_256, vec![]),
            ("ECDHE-RSA-AES128-GCM-SHA256 , ECDHE-ECDSA-AES128-GCM-SHA256", AES_128, vec![]),
            ("ALL:!CHACHA20:ECDHE-RSA-CHACHA20-POLY1305", AES_256 | AES_128, vec![]),
            ("ALL:-CHACHA20:ECDHE-RSA-CHACHA20-POLY1305", AES_256 | AES_128 | RSA_CHACHA20, vec![]),
            ("AES128:+AES128:@STRENGTH:@SECLEVEL=2", AES_128, vec![]),
            ("ECDHE-RSA-AES128-SHA:AES128-SHA:AES256", AES_256, vec!["ECDHE-RSA-AES128-SHA", "AES128-SHA"]),
            ("TLS_AES_128_GCM_SHA256:AES128", AES_128, vec![]),
            ("TLS_AES_128_GCM_SHA256", 0, vec![]),
            ("kRSA:RC4", 0, vec!["kRSA", "RC4"]),
            ("HIGH:!ALL", 0, vec![]),
            ("aes128", 0, vec!["aes128"]),
            ("", 0, vec![]),
            ("!:-:+:é", 0, vec!["é"]),
        ] {
            assert_eq!(bits(list), (expected, left_out), "{list}");
        }
    }

    #[test]
    fn a_list_that_goes_on_and_on_is_read_so_far_and_no_further() {
        let list = "x:".repeat(MAX_WORDS) + "AES128";
        assert_eq!(bits(&list).1.len(), MAX_WORDS + 1);
    }
}
