//! What is printed: one line a figure, as soon as it is known.

use std::io::{Write, stdout};

use anyhow::Result;

/// One figure beside its target.
pub(crate) struct Row {
    /// The figure. Smaller is better.
    pub(crate) figure: f64,
    /// What it may be at most.
    pub(crate) target: f64,
    /// Decimals that mean something.
    pub(crate) decimals: usize,
    /// What it was made from.
    pub(crate) remark: String,
}

/// The table so far.
#[derive(Default)]
pub(crate) struct Table {
    rows: usize,
    lost: usize,
}

impl Table {
    /// Prints a row. A measurement that failed is printed as lost: it proves nothing.
    pub(crate) fn add(&mut self, name: &str, row: Result<Row>) -> Result<()> {
        let mut out = stdout().lock();
        if self.rows == 0 {
            writeln!(
                out,
                "{:<40} {:>9} {:>9}  {:<5} from",
                "1 KiB, HTTP/1.1, kept, unless it says", "figure", "at most", ""
            )?;
        }
        self.rows += 1;
        match row {
            Ok(Row { figure, target, decimals, remark }) => {
                let verdict = if figure <= target { "OK" } else { "LOST" };
                self.lost += usize::from(figure > target);
                writeln!(out, "{name:<40} {figure:>9.decimals$} {target:>9.decimals$}  {verdict:<5} {remark}")?;
            }
            Err(error) => {
                self.lost += 1;
                writeln!(out, "{name:<40} {:>9} {:>9}  {:<5} {error:#}", "-", "-", "LOST")?;
            }
        }
        Ok(())
    }

    pub(crate) const fn is_within_targets(&self) -> bool {
        self.lost == 0
    }
}
