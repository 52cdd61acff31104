//! What lanes write, of themselves to standard error and of requests to standard output: kept in files, the former shown on request.

use std::path::PathBuf;

use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};

use crate::table::printable;

/// Longest line that is taken as one.
const LINE_BYTES: u64 = 64 << 10;
/// Bytes that are read and written at once where there are many: as many as a pipe holds.
const PIECE_BYTES: usize = 64 << 10;
/// Most bytes of a log file; then it is begun anew, and the last one kept beside it.
const FILE_BYTES: u64 = 16 << 20;

/// Where a lane's log goes.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) file: PathBuf,
    /// The lane's name, to put before lines that are shown; nothing when they are not.
    pub(crate) shown_as: Option<String>,
}

impl Log {
    /// The same for the access log, which is never shown: there may be thousands of lines a second.
    pub(crate) fn access(&self) -> Self {
        Self { file: self.file.with_extension("access.log"), shown_as: None }
    }
}

/// Copies lines until the process that writes them is gone. Nothing here may stop a lane: what cannot be written is dropped.
pub(crate) async fn copy(from: impl AsyncRead + Unpin, log: Log) {
    let mut lines = BufReader::with_capacity(PIECE_BYTES, from);
    let (mut file, mut written) = open(&log).await;
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut lines).take(LINE_BYTES).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(bytes) => written = written.saturating_add(bytes as u64),
        }
        if let Some(name) = &log.shown_as {
            let text = printable(String::from_utf8_lossy(&line).trim_end());
            crate::say(&format!("{name} {text}"));
        }
        if let Some(open) = &mut file {
            let _ = open.write_all(&line).await;
            // The last line before an end is the one that is looked for.
            if lines.buffer().is_empty() || written > FILE_BYTES {
                let _ = open.flush().await;
            }
        }
        if written > FILE_BYTES {
            drop(file);
            let _ = tokio::fs::rename(&log.file, log.file.with_extension("log.1")).await;
            (file, written) = self::open(&log).await;
        }
    }
}

async fn open(log: &Log) -> (Option<BufWriter<File>>, u64) {
    let Ok(file) = File::options().create(true).append(true).open(&log.file).await else { return (None, 0) };
    let length = file.metadata().await.map_or(0, |metadata| metadata.len());
    (Some(BufWriter::with_capacity(PIECE_BYTES, file)), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_keeps_every_line_and_appends_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log { file: folder.path().join("lane.log"), shown_as: None };
        copy(&b"first\nsecond"[..], log.clone()).await;
        copy(&b"\nthird\n"[..], log.clone()).await;
        assert_eq!(std::fs::read_to_string(&log.file).unwrap(), "first\nsecond\nthird\n");
    }

    #[tokio::test]
    async fn a_log_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log { file: folder.path().join("lane.log"), shown_as: None };
        let text = "x".repeat(1 << 20) + "\n";
        copy(text.repeat(20).as_bytes(), log.clone()).await;
        let length = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len();
        assert!(length("lane.log") <= FILE_BYTES && length("lane.log.1") <= FILE_BYTES + LINE_BYTES);
    }
}
