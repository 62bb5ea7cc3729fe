//! The one module that touches a disk: reads the files of a policy directory, and knows nothing of what is in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::{Policy, PolicyError};

/// What all files of a directory may hold together. A policy is text; more is a mistake in the path.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// How deep directories may lie in each other, so that a link in a circle ends.
const DEEPEST: u8 = 4;

/// The policy of the directory at `path`.
///
/// # Errors
/// When it cannot be read, or what it holds is no policy.
pub fn load(path: &Path) -> Result<Policy, PolicyError> {
    Policy::load(&read(path)?)
}

/// Every file under `path` by its name from there, with `/` between directories. Links are followed.
///
/// # Errors
/// [`PolicyError::Unreadable`] when a file cannot be read, has a name that is not UTF-8, or there is too much.
pub fn read(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, PolicyError> {
    let mut files = BTreeMap::new();
    let mut left = MOST_BYTES;
    read_into(path, "", DEEPEST, &mut left, &mut files)?;
    Ok(files)
}

fn read_into(
    directory: &Path,
    prefix: &str,
    depth: u8,
    left: &mut u64,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), PolicyError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(unreadable(directory, format!("directories lie more than {DEEPEST} deep here")));
    };
    for entry in fs::read_dir(directory).map_err(|e| unreadable(directory, e))? {
        let path = entry.map_err(|e| unreadable(directory, e))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = format!("{prefix}{}", name.ok_or_else(|| unreadable(&path, "its name is not UTF-8"))?);
        let metadata = fs::metadata(&path).map_err(|e| unreadable(&path, e))?;
        if metadata.is_dir() {
            read_into(&path, &format!("{name}/"), depth, left, files)?;
            continue;
        }
        let too_much = || unreadable(&path, format!("the directory holds more than {MOST_BYTES} bytes"));
        *left = left.checked_sub(metadata.len()).ok_or_else(too_much)?;
        if !metadata.is_file() {
            return Err(unreadable(&path, "neither a file nor a directory"));
        }
        files.insert(name, fs::read(&path).map_err(|e| unreadable(&path, e))?);
    }
    Ok(())
}

fn unreadable(path: &Path, problem: impl ToString) -> PolicyError {
    PolicyError::Unreadable { path: path.display().to_string(), problem: problem.to_string() }
}
