//! The file that a receipt is written into, byte for byte as the service gave it.
//!
//! It is made before anything is sent, so that a path that cannot be written costs no approval; and never written over
//! another file, which may be evidence.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::progress::Progress;

/// A new file, which is gone again unless a receipt is kept in it.
#[derive(Debug)]
pub struct ReceiptFile {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl ReceiptFile {
    /// Makes the file.
    ///
    /// # Errors
    /// [`Failure::Usage`] when it cannot be made, or is there.
    pub fn create(path: PathBuf) -> Result<Self, Failure> {
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => Ok(Self { path, file, kept: false }),
            Err(error) => {
                let path = path.display();
                Err(Failure::Usage(format!(
                    "--receipt {path}: {error}; name a new file in a folder that is there"
                )))
            }
        }
    }

    /// Keeps the receipt. That there is none, or that it cannot be written, is told and changes nothing else: it can
    /// be read again.
    pub fn keep(mut self, receipt: Option<&str>, progress: Progress) {
        let written =
            receipt.map(|text| self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_all()));
        let path = self.path.display();
        match written {
            Some(Ok(())) => {
                progress.tell(&format!("the receipt is in {path}"));
                self.kept = true;
            }
            Some(Err(error)) => progress.tell(&format!(
                "the receipt could not be written into {path}: {error}; countersign status --receipt FILE gets it again"
            )),
            None => progress.tell(&format!(
                "there is no receipt yet, so {path} was not written; countersign status --receipt FILE gets it later"
            )),
        }
    }
}

impl Drop for ReceiptFile {
    fn drop(&mut self) {
        if !self.kept {
            // Nobody needs half a receipt; what cannot be removed stays empty.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
