//! A reader of DER (X.690), as far as certificates need one. What it reads was signed by strangers: every length is checked.

/// Elements one behind the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<'d>(&'d [u8]);

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'d> {
    /// Its identifier octet.
    pub(crate) tag: u8,
    pub(crate) content: &'d [u8],
    /// Identifier, length and content.
    pub(crate) whole: &'d [u8],
}

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;

impl<'d> Elements<'d> {
    pub(crate) const fn new(der: &'d [u8]) -> Self {
        Self(der)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element; `None` at the end, and for what is no DER. Tags of more than one octet are in no part of a certificate that
    /// is read here.
    pub(crate) fn next(&mut self) -> Option<Element<'d>> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = match first {
            short @ 0..=0x7f => (usize::from(short), rest),
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = octets.iter().fold(0_u64, |length, octet| length << 8 | u64::from(*octet));
                (usize::try_from(length).ok()?, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - rest.len())?;
        self.0 = rest;
        (tag & 0x1f != 0x1f).then_some(Element { tag, content, whole })
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.next().filter(|element| element.tag == tag).map(|element| element.content)
    }

    /// Takes the next element if it has this tag.
    pub(crate) fn skip_optional(&mut self, tag: u8) -> Option<()> {
        if self.0.first() == Some(&tag) { self.next().map(|_| ()) } else { Some(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_short_or_long_and_never_more_than_there_is() {
        let long = [&[0x04, 0x81, 0x80][..], &[7; 0x80]].concat();
        for (der, content) in [
            (&[0x04, 0x00][..], Some(&[][..])),
            (&[0x04, 0x02, 1, 2, 3], Some(&[1, 2])),
            (&long, Some(&long[3..])),
            (&[0x04, 0x82, 0x00, 0x01, 9], Some(&[9])),
            (&[0x04, 0x02, 1], None),
            (&[0x04, 0x80, 0, 0], None),
            (&[0x04, 0x85, 0, 0, 0, 0, 1, 9], None),
            (&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff], None),
            (&[0x04], None),
            (&[], None),
            (&[0x1f, 0x01, 9], None),
        ] {
            assert_eq!(Elements::new(der).next().map(|element| element.content), content, "{der:02x?}");
        }
    }

    proptest! {
        /// Elements never overlap and never reach beyond what was given, whatever it is.
        #[test]
        fn reading_ends(der in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut elements = Elements::new(&der);
            let mut read = 0;
            while let Some(element) = elements.next() {
                prop_assert!(element.whole.len() >= element.content.len() + 2);
                read += element.whole.len();
            }
            prop_assert!(read <= der.len());
        }
    }
}
