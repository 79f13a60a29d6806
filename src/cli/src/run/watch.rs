//! Detects changes to a file, however they are made: by writing in place, by moving another file there, or by swapping
//! a symbolic link in its path, as Kubernetes does.

use crate::input;
use std::io;
use std::path::{Path, PathBuf};

/// A file that is polled for changes. Documents are small, so it compares the content: times and sizes miss changes.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    /// The content that was last reported, or known at the start.
    known: Vec<u8>,
    /// The result of the last look, if it differs from `known`.
    seen: Option<Result<Vec<u8>, io::ErrorKind>>,
    /// The last reported problem: an empty or unreadable file.
    told: Option<Change>,
}

/// A change to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It has this content now.
    Content(Vec<u8>),
    /// It is empty: an editor emptied it before writing, the disk is full, or by mistake. `{}` stops all faults.
    Emptied,
    /// It is missing or cannot be read.
    Trouble(io::ErrorKind),
}

impl Watch {
    /// Watches a file with this content.
    pub fn new(path: &Path, known: Vec<u8>) -> Self {
        Self { path: path.into(), known, seen: None, told: None }
    }

    /// Watches a file that need not exist yet.
    pub fn of_nothing(path: &Path) -> Self {
        let told = Some(Change::Trouble(io::ErrorKind::NotFound));
        Self { told, ..Self::new(path, Vec::new()) }
    }

    /// Polls the file. A change is reported once two polls in a row see the same: editors empty a file before they
    /// write it, or move it away before they move the new one into place.
    pub fn look(&mut self) -> Option<Change> {
        let now = input::file(&self.path).map_err(|error| error.kind());
        if now.as_ref() == Ok(&self.known) {
            self.seen = None;
            self.told = None;
            return None;
        }
        if self.seen.as_ref() != Some(&now) {
            self.seen = Some(now);
            return None;
        }
        let change = match now {
            Ok(content) if content.trim_ascii().is_empty() => Change::Emptied,
            Ok(content) => {
                self.seen = None;
                self.known.clone_from(&content);
                Change::Content(content)
            }
            Err(kind) => Change::Trouble(kind),
        };
        let is_news = self.told.as_ref() != Some(&change);
        self.told = (!matches!(change, Change::Content(_))).then(|| change.clone());
        is_news.then_some(change)
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Watch};
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_change_is_reported_once_it_has_settled() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("document");
        fs::write(&path, "one").expect("written");
        let mut watch = Watch::new(&path, b"one".to_vec());
        assert_eq!(watch.look(), None);
        fs::write(&path, "").expect("emptied");
        assert_eq!(watch.look(), None);
        fs::write(&path, "two").expect("written");
        assert_eq!(watch.look(), None);
        assert_eq!(watch.look(), Some(Change::Content(b"two".to_vec())));
        assert_eq!(watch.look(), None);
    }

    #[test]
    fn a_file_that_goes_away_is_reported_once_and_may_come_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("document");
        let mut watch = Watch::new(&path, b"one".to_vec());
        assert_eq!(watch.look(), None);
        assert_eq!(watch.look(), Some(Change::Trouble(ErrorKind::NotFound)));
        assert_eq!(watch.look(), None);
        fs::write(&path, "two").expect("written");
        assert_eq!(watch.look(), None);
        assert_eq!(watch.look(), Some(Change::Content(b"two".to_vec())));
    }

    #[test]
    fn a_file_that_stays_empty_is_said_once_and_its_document_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("document");
        fs::write(&path, "\n").expect("written");
        let mut watch = Watch::new(&path, b"one".to_vec());
        assert_eq!([watch.look(), watch.look(), watch.look()], [None, Some(Change::Emptied), None]);
        fs::write(&path, "one").expect("written");
        assert_eq!([watch.look(), watch.look()], [None, None]);
    }

    #[test]
    fn the_swap_of_a_link_on_the_way_is_a_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for version in ["v1", "v2"] {
            fs::create_dir(at(version)).expect("a folder");
            fs::write(at(version).join("document"), version).expect("written");
        }
        symlink("v1", at("data")).expect("a link");
        let mut watch = Watch::new(&at("data").join("document"), b"v1".to_vec());
        assert_eq!(watch.look(), None);
        symlink("v2", at("data-new")).expect("a link");
        fs::rename(at("data-new"), at("data")).expect("swapped");
        assert_eq!(watch.look(), None);
        assert_eq!(watch.look(), Some(Change::Content(b"v2".to_vec())));
    }
}
