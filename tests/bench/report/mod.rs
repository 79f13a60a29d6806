//! The report of a run: a table on the terminal, and the same in docs/ with charts and raw numbers.

mod chart;
mod tables;

pub use tables::Tables;

use crate::results::Results;
use std::path::PathBuf;
use support::repository;

/// A page, and the marker lines between which a run writes.
struct Written {
    page: &'static str,
    begin: &'static str,
    end: &'static str,
}

const FIGURES: Written = Written {
    page: "docs/performance.md",
    begin: "<!-- figures: written by `make bench` -->\n",
    end: "<!-- end of figures -->\n",
};
const TARGETS: Written = Written {
    page: "docs/contributing/targets.md",
    begin: "<!-- targets: written by `make bench` -->\n",
    end: "<!-- end of targets -->\n",
};

impl Written {
    fn put(&self, text: &str) {
        let page = repository::root().join(self.page);
        let old = std::fs::read_to_string(&page).expect(self.page);
        let begin = old.find(self.begin).expect("the mark where it begins") + self.begin.len();
        let end = old.find(self.end).expect("the mark where it ends");
        let new = format!("{}\n{text}\n{}", &old[..begin], &old[end..]);
        std::fs::write(&page, new).expect("room on the disk");
    }
}

/// Writes docs/performance.md, its charts and its numbers.
///
/// # Panics
/// When a file cannot be read or written, or the page has lost its marks.
pub fn write(results: &Results) {
    let folder = repository::root().join("docs/performance");
    std::fs::create_dir_all(&folder).expect("a folder in docs/");
    let put = |path: PathBuf, text: &str| std::fs::write(&path, text).expect("room on the disk");
    put(folder.join("requests.svg"), &chart::requests(results));
    put(folder.join("lateness.svg"), &chart::lateness(results));
    let numbers = serde_json::to_string(results).expect("numbers");
    put(folder.join("results.json"), &(numbers + "\n"));

    let tables = Tables::of(results);
    FIGURES.put(&tables.figures());
    TARGETS.put(&tables.targets());
}
