//! The imported files, and the mapping from a place in them to a line.

use super::place::{Node, Place};
use super::{Note, Rejected};
use crate::document::{DocumentFile, Mistake, Places};
use brownout_core::decode::diagnostic::{Code, Diagnostic};
use brownout_core::decode::json::Json;
use brownout_core::decode::path::Path;

/// Files and the values in them.
#[derive(Debug)]
pub struct Sources {
    files: Vec<DocumentFile>,
    values: Vec<Vec<(Json, Places)>>,
}

impl Sources {
    /// Reads all files.
    ///
    /// # Errors
    /// Those that are neither JSON nor YAML.
    pub fn read(files: Vec<DocumentFile>) -> Result<Self, Rejected> {
        let mut values = Vec::new();
        let mut wrong = Vec::new();
        for file in &files {
            match file.values() {
                Ok(read) => values.push(read),
                Err(mistake) => wrong.push((file.clone(), vec![*mistake])),
            }
        }
        if wrong.is_empty() {
            Ok(Self { files, values })
        } else {
            Err(Rejected { files: wrong, notes: Vec::new() })
        }
    }

    /// Returns the values: one per file, or one per YAML document in it. Empty ones are skipped.
    pub fn nodes(&self) -> Vec<Node<'_>> {
        let mut nodes = Vec::new();
        for (file, values) in self.values.iter().enumerate() {
            for (part, (json, _)) in values.iter().enumerate().filter(|(_, (json, _))| *json != Json::Null) {
                nodes.push(Node { json, place: Place { file, part, path: Path::default() } });
            }
        }
        nodes
    }

    /// Returns the comment at the start of the input, if it is a single file: it usually explains the input's purpose.
    pub fn comment(&self) -> Option<String> {
        let [file] = self.files.as_slice() else { return None };
        let lines = file.source().lines().skip_while(|line| line.trim().is_empty() || line.trim() == "---");
        let lines = lines.map_while(|line| line.trim().strip_prefix('#'));
        let text = lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }

    /// Returns the files with their mistakes, sorted by position.
    pub fn locate(&self, mistakes: Vec<(Place, Diagnostic)>) -> Vec<(DocumentFile, Vec<Mistake>)> {
        let mut files: Vec<(DocumentFile, Vec<Mistake>)> =
            self.files.iter().map(|file| (file.clone(), Vec::new())).collect();
        let mut seen: Vec<(Place, Code)> = Vec::new();
        for (place, diagnostic) in mistakes {
            let key = (place.clone(), diagnostic.code);
            let earlier = seen.iter().filter(|other| **other == key).count();
            seen.push(key);
            let Some((file, found)) = files.get_mut(place.file) else { continue };
            let leaf = Places::leaf(0..0);
            found.push(file.locate(diagnostic, self.places(&place).unwrap_or(&leaf), earlier));
        }
        files.iter_mut().for_each(|(_, mistakes)| mistakes.sort_by_key(|mistake| mistake.span.start));
        files.retain(|(_, mistakes)| !mistakes.is_empty());
        files
    }

    /// Returns the notes with their lines, sorted by file and position.
    pub fn locate_notes(&self, notes: Vec<(Place, String)>) -> Vec<Note> {
        let mut located: Vec<(usize, Note)> = Vec::new();
        for (place, text) in notes {
            let Some(file) = self.files.get(place.file) else { continue };
            let span =
                self.places(&place).map_or(0..0, |places| places.find(&place.path, Code::UnknownField, 0));
            let (line, column) = file.line_and_column(span.start);
            let path = if place.path.is_root() { String::new() } else { place.path.to_string() };
            located.push((place.file, Note { file: file.name().into(), path, line, column, text }));
        }
        located.sort_by_key(|(file, note)| (*file, note.line, note.column));
        located.into_iter().map(|(_, note)| note).collect()
    }

    fn places(&self, place: &Place) -> Option<&Places> {
        self.values.get(place.file)?.get(place.part).map(|(_, places)| places)
    }
}
