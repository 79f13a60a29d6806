//! A directory as the kubelet mounts a ConfigMap: every file is a link into `..data`, itself a link, which a rename
//! points to a new directory. Open files never change.

use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

pub struct ConfigMap {
    directory: TempDir,
    generation: AtomicU64,
}

const DATA: &str = "..data";

impl ConfigMap {
    /// One with this content: files by name.
    pub fn mount(files: &[(&str, &Value)]) -> Self {
        let map = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            generation: AtomicU64::new(0),
        };
        for (name, _) in files {
            symlink(Path::new(DATA).join(name), map.path(name)).expect("a directory of our own");
        }
        map.swap(files);
        map
    }

    /// Replaces all files at once, with a rename of `..data`.
    pub fn swap(&self, files: &[(&str, &Value)]) {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed);
        let name = format!("..generation_{generation}");
        fs::create_dir(self.path(&name)).expect("a directory of our own");
        for (file, resource) in files {
            let response = json!({ "version_info": generation.to_string(), "resources": [resource] });
            fs::write(self.path(&name).join(file), response.to_string()).expect("room on the disk");
        }
        let link = self.path("..data_tmp");
        symlink(&name, &link).expect("a directory of our own");
        fs::rename(&link, self.path(DATA)).expect("a directory of our own");
        if let Some(last) = generation.checked_sub(1) {
            fs::remove_dir_all(self.path(&format!("..generation_{last}"))).expect("a directory of our own");
        }
    }

    /// The `ConfigSource` for a file of it.
    pub fn source(&self, file: &str) -> Value {
        json!({ "resource_api_version": "V3", "path_config_source": {
            "path": self.path(file),
            "watched_directory": { "path": self.directory.path() },
        } })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}
