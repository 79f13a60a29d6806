//! Tables, for a terminal and for a page.

use crate::results::Results;
use crate::statistics::Figure;
use crate::targets::{self, Target};
use std::fmt::Write;

/// All tables of a run.
pub struct Tables {
    machine: String,
    tables: Vec<Table>,
}

struct Table {
    title: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Tables {
    pub fn of(results: &Results) -> Self {
        let machine = &results.machine;
        let machine = format!(
            "Envoy {}, one worker, {} with {} cores, {} rounds.",
            machine.envoy, machine.architecture, machine.cores, results.rounds
        );
        let mut tables = vec![met(results), requests(results)];
        tables.extend([held(results), crowd(results)].into_iter().filter(|table| !table.rows.is_empty()));
        tables.push(counts(results));
        Self { machine, tables }
    }

    /// For people at a terminal.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.machine);
        for table in &self.tables {
            let widths: Vec<_> = (0..table.columns.len()).map(|column| table.width(column)).collect();
            writeln!(text, "\n{}", table.title).ok();
            let header = table.columns.iter().map(|name| name.to_string()).collect();
            for row in [&header].into_iter().chain(&table.rows) {
                for (cell, width) in row.iter().zip(&widths) {
                    let pad = width - cell.chars().count();
                    write!(text, "{cell}{:pad$}  ", "").ok();
                }
                text.truncate(text.trim_end().len());
                text.push('\n');
            }
        }
        text
    }

    /// Returns the machine and all tables but the first, for docs/performance.md.
    pub fn figures(&self) -> String {
        self.tables.iter().skip(1).fold(format!("{}\n", self.machine), |text, table| {
            format!("{text}\n### {}\n\n{}", table.title, table.markdown())
        })
    }

    /// For docs/contributing/targets.md: the first table.
    pub fn targets(&self) -> String {
        self.tables.first().map_or(String::new(), Table::markdown)
    }
}

impl Table {
    fn markdown(&self) -> String {
        let mut text = format!("| {} |\n", self.columns.join(" | "));
        writeln!(text, "|{}", "---|".repeat(self.columns.len())).ok();
        for row in &self.rows {
            writeln!(text, "| {} |", row.join(" | ")).ok();
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].chars().count());
        cells.chain([self.columns[column].chars().count()]).max().unwrap_or(0)
    }
}

fn met(results: &Results) -> Table {
    let row = |target: Target| {
        let verdict = target.verdict().into();
        let measured = target.measured.map_or("–".into(), |measured| match target.interval {
            Some([low, high]) => format!("{measured:.2} ({low:.2} – {high:.2})"),
            None => format!("{measured:.2}"),
        });
        vec![target.about, format!("≤ {} {}", target.limit, target.unit), measured, verdict]
    };
    Table {
        title: "Targets",
        columns: vec!["what", "target", "measured", "met"],
        rows: targets::all(results).into_iter().map(row).collect(),
    }
}

fn requests(results: &Results) -> Table {
    let with_spread =
        |figure: Figure| format!("{:.2} ({:.2} – {:.2})", figure.value, figure.low, figure.high);
    let row = |row: &crate::results::Row| {
        let compared = row.overhead.value != 0.0;
        let or_nothing = |text: String| if compared { text } else { "–".into() };
        vec![
            row.title.to_owned(),
            format!("{:.2}", row.cpu.value),
            or_nothing(with_spread(row.overhead)),
            or_nothing(with_spread(row.ratio)),
            format!("{:.0} / {:.0} / {:.0}", row.latency.p50, row.latency.p90, row.latency.p99),
        ]
    };
    Table {
        title: "A request",
        columns: vec![
            "filter",
            "CPU, µs",
            "over no filter, µs",
            "× empty module",
            "latency alone p50 / p90 / p99, µs",
        ],
        rows: results.rows.iter().map(row).collect(),
    }
}

fn held(results: &Results) -> Table {
    let row = |held: &crate::holding::Held| {
        let late = &held.lateness;
        vec![
            held.title.to_owned(),
            held.concurrent.to_string(),
            format!("{:.1}", held.cpu),
            format!("{:.2}", late.p50 / 1e3),
            format!("{:.2}", late.p99 / 1e3),
            format!("{:.2}", late.max / 1e3),
        ]
    };
    Table {
        title: "Delays of 100 ms",
        columns: vec!["filter", "held at any time", "CPU, µs", "late p50, ms", "late p99, ms", "latest, ms"],
        rows: results.held.iter().map(row).collect(),
    }
}

fn crowd(results: &Results) -> Table {
    let row = |crowd: &crate::holding::Crowded| {
        let (came, instant) = (&crowd.as_they_came, &crowd.at_one_instant);
        let cell = |late: &crate::results::Latency| {
            format!("{:.0} / {:.0} / {:.0}", late.p50 / 1e3, late.p99 / 1e3, late.max / 1e3)
        };
        vec![crowd.title.to_owned(), format!("{:.1}", crowd.cpu), cell(came), cell(instant)]
    };
    Table {
        title: "20,000 delays at once",
        columns: vec![
            "filter",
            "CPU, µs",
            "late p50 / p99 / max, ms: as they came",
            "since the instant at which all were due",
        ],
        rows: results.crowd.iter().map(row).collect(),
    }
}

fn counts(results: &Results) -> Table {
    let row = |(case, count): (&String, &crate::counts::Count)| {
        vec![case.clone(), count.instructions.to_string(), format!("{}", count.host_calls)]
    };
    Table {
        title: "Instructions of WebAssembly and calls to the host",
        columns: vec!["case", "instructions", "host calls"],
        rows: results.counts.iter().map(row).collect(),
    }
}
