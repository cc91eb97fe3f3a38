//! Symbolic links of runs: those of the run before are used again.
#![allow(clippy::unwrap_used)] // helpers of tests are tests, which clippy cannot know

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use experimaestro_core::fs::{create_symlink, read_symlink, share_symlink};

fn number(link: &Path) -> u64 {
    std::fs::symlink_metadata(link).unwrap().ino()
}

fn links() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (before, now) = (folder.path().join("before"), folder.path().join("now"));
    (folder, before, now)
}

#[test]
fn the_link_of_before_is_used_again() {
    let (_folder, before, now) = links();
    create_symlink(Path::new("jobs/a"), &before).unwrap();
    share_symlink(&before, Path::new("jobs/a"), &now).unwrap();
    assert_eq!(number(&before), number(&now));
    std::fs::remove_file(&before).unwrap();
    assert_eq!(read_symlink(&now).unwrap().as_deref(), Some(Path::new("jobs/a")));
    share_symlink(&before, Path::new("jobs/a"), &now).unwrap();
}

#[test]
fn what_leads_elsewhere_or_is_no_link_is_not() {
    let (_folder, before, now) = links();
    for make in [
        |path: &Path| create_symlink(Path::new("jobs/b"), path).unwrap(),
        |path: &Path| {
            std::fs::write(path, "mine").unwrap();
        },
    ] {
        make(&before);
        share_symlink(&before, Path::new("jobs/a"), &now).unwrap();
        assert_eq!(read_symlink(&now).unwrap().as_deref(), Some(Path::new("jobs/a")));
        assert_ne!(number(&before), number(&now));
        std::fs::remove_file(&before).unwrap();
        std::fs::remove_file(&now).unwrap();
    }
    share_symlink(&before, Path::new("jobs/a"), &now).unwrap();
    assert_eq!(read_symlink(&now).unwrap().as_deref(), Some(Path::new("jobs/a")));
}
