//! Text in aligned columns.

/// Spaces between two columns.
const GAP: usize = 2;

/// `rows` under `header`, each column as wide as its widest cell.
pub(crate) fn align<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = header.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = line(&header, &widths);
    rows.iter().for_each(|row| text.push_str(&line(row, &widths)));
    text
}

fn line<T: AsRef<str>>(cells: &[T], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{:width$}", cell.as_ref(), width = width + GAP));
    format!("{}\n", padded.collect::<String>().trim_end())
}

/// `text` without what steers a terminal or shows it as something else: control characters, and those of Unicode that nobody sees or
/// that turn the direction of what follows ("Trojan Source", CVE-2021-42574).
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() || is_hidden(char) { '\u{fffd}' } else { char }).collect()
}

/// Formatting characters of the general punctuation (Unicode chapter 23.2), the soft hyphen, the byte order mark and tags.
const fn is_hidden(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(char, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["pier".to_owned(), "1".to_owned()], ["a".to_owned(), String::new()]];
        assert_eq!(align(["HOST", "N"], &rows), "HOST  N\npier  1\na\n");
    }

    #[test]
    fn a_manifest_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(printable("/a\u{202e}b\u{200b}ä한"), "/a\u{fffd}b\u{fffd}ä한");
    }
}
