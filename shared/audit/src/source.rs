//! Where the files of a log are read: below its prefix, by the names of C2SP tlog-tiles.
//!
//! It does not know what the files say.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SourceError {
    /// Which file, as it was asked for.
    pub path: String,
    /// What went wrong.
    pub message: String,
}

/// The files of one log, e.g. `checkpoint` or `tile/entries/000`.
pub trait LogSource {
    /// The bytes of a file as it was first written; `None` if there is none.
    fn read(&self, path: &str) -> impl Future<Output = Result<Option<Vec<u8>>, SourceError>> + Send;
}

/// A directory with the files of a log.
#[derive(Debug, Clone)]
pub struct Directory(PathBuf);

impl Directory {
    /// The files below this directory.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// Reads a file below the directory and never beside it; `None` if there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read, or the name leads out of the directory.
    pub fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let failed = |message: String| SourceError { path: path.to_owned(), message };
        match fs::read(self.place(path)?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// Where a name of the pack lies on the disk.
    ///
    /// # Errors
    /// When the name leads out of the directory.
    pub fn place(&self, path: &str) -> Result<PathBuf, SourceError> {
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        match inside && !path.is_empty() {
            true => Ok(self.0.join(path)),
            false => {
                Err(SourceError { path: path.to_owned(), message: "leads out of the directory".to_owned() })
            }
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

impl LogSource for Directory {
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        self.get(path)
    }
}
