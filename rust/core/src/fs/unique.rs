//! Names that nobody else uses.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

const SUFFIX: &str = ".tmp";

/// Sixteen random hexadecimal digits.
pub fn random_word() -> String {
    // The standard library keys every `RandomState` from the system's random source; the counter it adds to the key and
    // the process number make words of forked processes differ too.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    if let Ok(elapsed) = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        hasher.write_u128(elapsed.as_nanos());
    }
    format!("{:016x}", hasher.finish())
}

/// A temporary name in the folder of `path`.
pub(super) fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}{SUFFIX}", random_word()));
    path.with_file_name(name)
}

/// Whether a name is one of this module's temporary files: a crash left it, or it is in use right now.
pub fn is_temporary(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(SUFFIX) else { return false };
    stem.rsplit_once('.').is_some_and(|(_, word)| word.len() == 16 && word.bytes().all(|b| b.is_ascii_hexdigit()))
}
