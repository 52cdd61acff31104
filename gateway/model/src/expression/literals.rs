//! Texts that paths begin with, in any case of letters: expressions that are plain text, and what stands for those that are refused.
//! They cost what they are long, as paths of other kinds do, and so need no room of their own.

use std::cmp::Ordering;

/// Texts in order, each with the longest other one that it begins with.
#[derive(Debug, Default)]
pub(super) struct Literals(Box<[Literal]>);

#[derive(Debug)]
struct Literal {
    /// In lower case.
    text: Box<[u8]>,
    /// Place of the longest other text that this one begins with; its own if there is none.
    parent: usize,
    /// The smallest rank of it and all that it begins with.
    rank: usize,
}

impl Literals {
    /// Texts with their ranks.
    pub(super) fn new(texts: impl IntoIterator<Item = (String, usize)>) -> Self {
        let lower = |(text, rank): (String, usize)| (text.to_ascii_lowercase().into_bytes().into_boxed_slice(), rank);
        let mut entries: Vec<(Box<[u8]>, usize)> = texts.into_iter().map(lower).collect();
        entries.sort();
        entries.dedup_by(|(later, _), (first, _)| later == first);
        let mut list: Vec<Literal> = Vec::with_capacity(entries.len());
        // Places of the texts that the current one begins with, the shortest first.
        let mut around: Vec<usize> = Vec::new();
        for (text, rank) in entries {
            let place = list.len();
            while around.pop_if(|at| !list.get(*at).is_some_and(|outer| text.starts_with(&outer.text))).is_some() {}
            let parent = around.last().copied().unwrap_or(place);
            let rank = list.get(parent).map_or(rank, |outer| rank.min(outer.rank));
            list.push(Literal { text, parent, rank });
            around.push(place);
        }
        Self(list.into())
    }

    /// The smallest rank of a text that `path` begins with.
    pub(super) fn find(&self, path: &[u8]) -> Option<usize> {
        let after = self.0.partition_point(|literal| order(&literal.text, path) != Ordering::Greater);
        let mut place = after.checked_sub(1)?;
        let nearest = self.0.get(place)?;
        let common = common(&nearest.text, path);
        loop {
            let literal = self.0.get(place)?;
            if literal.text.len() <= common {
                return Some(literal.rank);
            }
            if literal.parent == place {
                return None;
            }
            place = literal.parent;
        }
    }
}

fn common(text: &[u8], path: &[u8]) -> usize {
    text.iter().zip(path).take_while(|(a, b)| **a == b.to_ascii_lowercase()).count()
}

fn order(text: &[u8], path: &[u8]) -> Ordering {
    let common = common(text, path);
    text.get(common).copied().cmp(&path.get(common).map(u8::to_ascii_lowercase))
}
