//! A directory that appears whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A directory under way. Dropped before [`Draft::publish`], it leaves nothing behind.
#[derive(Debug)]
pub struct Draft {
    dir: PathBuf,
    out: PathBuf,
    published: bool,
}

impl Draft {
    /// Begins a directory that will be `out`, which is not there yet, or empty.
    pub fn begin(out: &Path) -> io::Result<Self> {
        if out.exists() && fs::read_dir(out)?.next().is_some() {
            let message = format!("{} is there and not empty", out.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        let name = out.file_name().ok_or_else(|| io::Error::other("it has no name"))?.to_string_lossy();
        // Beside it, so that the last step is one rename.
        let dir = out.with_file_name(format!(".{name}.{}.part", std::process::id()));
        if let Some(parent) = out.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::create_dir(&dir)?;
        Ok(Self { dir, out: out.to_owned(), published: false })
    }

    /// Where it is meanwhile.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a file, which must be new.
    pub fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        write(&self.dir.join(path), bytes)
    }

    /// Puts it where it belongs.
    pub fn publish(mut self) -> io::Result<()> {
        fs::rename(&self.dir, &self.out)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            // Nothing can be done about what cannot be removed; its name says what it is.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::File::create_new(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}
