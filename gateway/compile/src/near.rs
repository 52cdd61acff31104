//! The word that was meant by one that is misspelt.

/// Letters that may be wrong, missing or too many in a word of [`SHORT`] letters and more.
const MISTAKES: usize = 2;
/// A word shorter than this may differ in one letter only: most short words are two letters apart from each other.
const SHORT: usize = 4;

/// The word of `known` that is nearest to `word`, upper and lower case counting as equal; nothing when none is near.
#[must_use]
pub fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = if word.chars().count() < SHORT { 1 } else { MISTAKES };
    let wanted = word.to_lowercase();
    let close = known.into_iter().filter(|other| other.len().abs_diff(word.len()) <= MISTAKES);
    let close = close.map(|other| (distance(&wanted, &other.to_lowercase()), other));
    close.filter(|(distance, _)| *distance <= most).min().map(|(_, other)| other)
}

/// Letters to insert, delete or replace until `a` is `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (line, left) in a.chars().enumerate() {
        let mut next = vec![line + 1];
        for ((right, &diagonal), &above) in b.chars().zip(&row).zip(row.iter().skip(1)) {
            let before = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(left != right)).min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_is_recognised_and_a_strange_one_is_not() {
        let known = ["ingressClassName", "backend", "name", "host", "tls"];
        let cases = [
            ("ingressClasName", Some("ingressClassName")),
            ("ingressclassname", Some("ingressClassName")),
            ("backends", Some("backend")),
            ("nmae", Some("name")),
            ("tsl", None),
            ("weight", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(near(word, known), expected, "{word}");
        }
    }
}
