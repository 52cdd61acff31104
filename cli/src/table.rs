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

/// `text` without what steers a terminal or shows it as something else.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(bulkhead_crds::text::shown).collect()
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
