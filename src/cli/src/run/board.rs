//! What the user sees: lines that stay, and under them, on a terminal, the counters as they are now.

use super::counts::{Counts, RuleCounts};
use super::traffic::Seen;
use anstream::ColorChoice;
use anstream::adapter::strip_str;
use anstream::stream::IsTerminal;
use clap::builder::styling::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::env;
use std::io;
use std::time::Duration;

/// How many rules the counters show at once.
const MOST_RULES: usize = 12;

/// Standard error, where everything that `run` says goes.
#[derive(Debug)]
pub struct Board {
    /// The counters' lines, on a terminal that can redraw them.
    live: Option<Live>,
    shown: Option<Counts>,
    colours: bool,
}

#[derive(Debug, Default)]
struct Live {
    progress: MultiProgress,
    lines: Vec<ProgressBar>,
}

impl Board {
    /// On a terminal the counters stand under the other lines; elsewhere they are lines like the others.
    pub fn new() -> Self {
        let can_redraw = io::stderr().is_terminal() && env::var_os("TERM").is_some_and(|term| term != "dumb");
        let colours = anstream::AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        Self { live: can_redraw.then(Live::default), shown: None, colours }
    }

    /// How often there should be new counters: seldom where they fill a log.
    pub fn pace(&self) -> Duration {
        Duration::from_secs(if self.live.is_some() { 1 } else { 2 })
    }

    /// A line that stays. On a terminal it moves above the counters.
    pub fn say(&self, text: &str) {
        match &self.live {
            // A failure to write to the terminal cannot be told to anybody.
            Some(live) if !live.lines.is_empty() => {
                let plain = strip_str(text).to_string();
                drop(live.progress.println(if self.colours { text } else { &plain }));
            }
            _ => anstream::eprintln!("{text}"),
        }
    }

    /// What a client of the demo traffic saw.
    pub fn request(&self, seen: &Seen) {
        let (result, style) = match &seen.result {
            Ok(status @ ..500) if seen.fault.is_none() => (status.to_string(), AnsiColor::Green),
            Ok(status @ ..500) => (status.to_string(), AnsiColor::Yellow),
            Ok(status) => (status.to_string(), AnsiColor::Red),
            Err(error) => (error.clone(), AnsiColor::Red),
        };
        let result = self.paint(&format!("{result:<4}"), style.on_default());
        let fault = seen.fault.as_deref().unwrap_or("");
        let line = format!("  {:<22} {result} {:>5} ms   {fault}", seen.request, seen.took.as_millis());
        self.say(line.trim_end());
    }

    /// The counters as they are now.
    pub fn show(&mut self, counts: &Counts) {
        if self.shown.as_ref() == Some(counts) {
            return;
        }
        match &mut self.live {
            Some(live) => live.show(counts),
            None if counts.requests > 0 => anstream::eprintln!("{counts}"),
            None => {}
        }
        self.shown = Some(counts.clone());
    }

    /// Takes the counters' lines away and says how it ended.
    pub fn close(&mut self) {
        if let Some(live) = &mut self.live {
            live.clear();
        }
    }

    fn paint(&self, text: &str, style: Style) -> String {
        if self.colours { format!("{style}{text}{style:#}") } else { text.into() }
    }
}

impl Live {
    fn show(&mut self, counts: &Counts) {
        let mut lines = vec![String::new(), head(counts)];
        let shown = busiest(&counts.rules);
        let width = shown.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
        lines.extend(shown.iter().map(|rule| row(rule, width)));
        if shown.len() < counts.rules.len() {
            lines.push(format!("  and {} rules that match less", counts.rules.len() - shown.len()));
        }
        if self.lines.len() != lines.len() {
            self.clear();
            self.lines = lines.iter().map(|_| self.progress.add(line())).collect();
        }
        for (bar, text) in self.lines.iter().zip(lines) {
            bar.set_message(text);
            bar.tick();
        }
    }

    fn clear(&mut self) {
        for bar in self.lines.drain(..) {
            bar.finish_and_clear();
            self.progress.remove(&bar);
        }
    }
}

/// As many rules as fit on a screen, in the order of the document: those that match most, if there are more.
fn busiest(rules: &[RuleCounts]) -> Vec<&RuleCounts> {
    let mut matches: Vec<u64> = rules.iter().map(|rule| rule.matched).collect();
    matches.sort_unstable_by(|a, b| b.cmp(a));
    let least = matches.get(MOST_RULES - 1).copied().unwrap_or(0);
    rules.iter().filter(|rule| rule.matched >= least).take(MOST_RULES).collect()
}

fn line() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}

fn head(counts: &Counts) -> String {
    format!(
        "  requests {}   passed {}   injected {}   held now {}",
        counts.requests,
        counts.passed(),
        counts.injected,
        counts.active
    )
}

fn row(rule: &RuleCounts, width: usize) -> String {
    let faults: Vec<String> = rule
        .faults
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    format!(
        "  {:<width$}   matched {:<6} injected {:<6} {}",
        rule.name,
        rule.matched,
        rule.injected,
        faults.join(", ")
    )
}
