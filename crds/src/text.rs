//! Texts of others that people read on terminals.

/// Whether a character steers a terminal, is not seen, or turns the direction of what follows ("Trojan Source", CVE-2021-42574): control
/// characters, formatting ones of the general punctuation (Unicode chapter 23.2), the soft hyphen, the byte order mark and tags.
#[must_use]
pub fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `character`, or in place of one that is [unseen](is_unseen) what Unicode has for what cannot be shown.
#[must_use]
pub fn shown(character: char) -> char {
    if is_unseen(character) { char::REPLACEMENT_CHARACTER } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_replaced_and_letters_of_all_scripts_are_not() {
        let all: String = "a\u{202e}b\u{2028}c\u{200b}d\u{1b}e\u{e0041}ä한".chars().map(shown).collect();
        assert_eq!(all, "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}ä한");
    }
}
