//! The output of `run`: permanent lines and, on a terminal, a live summary of the requests below them. Or, for programs,
//! one JSON object per line.

use super::requests::{RequestOutcome, ShownRequest};
use super::tally::Summary;
use crate::arguments::Format;
use anstream::ColorChoice;
use anstream::adapter::strip_str;
use anstream::stream::IsTerminal;
use clap::builder::styling::{AnsiColor, Style};
use serde_json::Value;
use std::env;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

/// The assumed width of a terminal that does not report one.
const NARROW: usize = 80;
/// The column width for method and path. A longer value shifts only the rest of its own line.
const WHAT: usize = 26;
/// The output of `run`.
#[derive(Debug)]
pub struct Board {
    format: Format,
    shows_requests: bool,
    /// True if a summary is redrawn in place as the last line.
    live: bool,
    /// True if the live summary is on the screen now.
    drawn: bool,
    shown: Option<Summary>,
    colours: bool,
}

impl Board {
    /// Creates the output, which shows each request unless `quiet`. `alone`: nothing else writes to this terminal.
    pub fn new(format: Format, quiet: bool, alone: bool) -> Self {
        let is_terminal =
            io::stderr().is_terminal() && env::var_os("TERM").is_some_and(|term| term != "dumb");
        let colours = anstream::AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        let live = is_terminal && alone && format == Format::Text;
        Self { format, shows_requests: !quiet, live, drawn: false, shown: None, colours }
    }

    /// Returns the interval between summaries: longer where they would fill a log.
    pub fn pace(&self) -> Duration {
        Duration::from_secs(if self.live { 1 } else { 2 })
    }

    /// Prints a permanent text, for people.
    pub fn say(&mut self, text: &str) {
        self.erase();
        // A failure to write to the terminal cannot be reported anywhere.
        match self.colours {
            true => drop(writeln!(anstream::stderr(), "{text}")),
            false => drop(writeln!(io::stderr(), "{}", strip_str(text))),
        }
    }

    /// Reports an event, to people or to programs.
    pub fn tell(&mut self, text: &str, json: impl FnOnce() -> Value) {
        match self.format {
            Format::Text => self.say(text),
            Format::Json => self.print(&json()),
        }
    }

    /// Shows finished requests, unless the output is quiet.
    pub fn requests(&mut self, requests: &[ShownRequest]) {
        if !self.shows_requests || requests.is_empty() {
            return;
        }
        match self.format {
            Format::Json => requests.iter().for_each(|request| self.print(&request.json)),
            Format::Text => {
                let lines: Vec<String> = requests.iter().map(|request| self.line(request)).collect();
                self.say(&lines.join("\n"));
            }
        }
    }

    /// Shows the current summary, unless it is already shown or the format is JSON.
    pub fn sum(&mut self, summary: &Summary) {
        let is_known = self.shown.as_ref() == Some(summary);
        if self.format == Format::Json || (is_known && (self.drawn || !self.live)) {
            return;
        }
        let is_first = self.shown.is_none()
            && *summary == Summary { counts: summary.counts.clone(), ..Summary::default() };
        self.shown = Some(summary.clone());
        if self.live {
            self.draw(&summary.short());
        } else if !is_first || summary.counts.active > 0 {
            self.say(&summary.to_string());
        }
    }

    /// Reports an error, to people and to programs.
    pub fn fail(format: Format, text: &str, json: &Value) {
        drop(write!(anstream::stderr(), "{text}"));
        if format == Format::Json {
            drop(writeln!(io::stdout().lock(), "{json}"));
        }
    }

    /// Erases the live line and stops drawing it.
    pub fn close(&mut self) {
        self.erase();
        self.live = false;
    }

    /// Draws the live line. It is cut to the terminal's width, since a wrapped line could not be erased completely.
    fn draw(&mut self, text: &str) {
        let room = width().unwrap_or(NARROW).saturating_sub(3);
        let short: String = text.chars().take(room).collect();
        self.erase();
        drop(write!(io::stderr(), "  {short}"));
        self.drawn = true;
    }

    fn erase(&mut self) {
        if std::mem::take(&mut self.drawn) {
            drop(write!(io::stderr(), "\r\x1b[J"));
        }
    }

    fn print(&self, value: &Value) {
        // If the reader is gone, the proxy keeps running for its users.
        drop(writeln!(io::stdout().lock(), "{value}"));
    }

    fn line(&self, request: &ShownRequest) -> String {
        let style = match request.outcome {
            RequestOutcome::Passed => AnsiColor::Green,
            RequestOutcome::Injected => AnsiColor::Yellow,
            RequestOutcome::Failed | RequestOutcome::Unanswered | RequestOutcome::Left => AnsiColor::Red,
        };
        let status = request.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let note = match (request.outcome, &request.fault) {
            (_, Some(fault)) => fault.as_str(),
            (RequestOutcome::Failed, None) => "(the service failed)",
            (RequestOutcome::Unanswered, None) => "(no answer from the service)",
            (RequestOutcome::Left, None) => "(the client disconnected)",
            (RequestOutcome::Passed | RequestOutcome::Injected, None) => "",
        };
        let mut line = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            line,
            "  {} {:<WHAT$} {} {:>6} ms   {note}",
            request.clock,
            visible(&request.what),
            self.paint(&format!("{status:<4}"), style.on_default()),
            request.milliseconds,
        );
        line.trim_end().into()
    }

    fn paint(&self, text: &str, style: Style) -> String {
        if self.colours { format!("{style}{text}{style:#}") } else { text.into() }
    }
}

/// Returns the width of the terminal on standard error.
pub fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// Escapes control characters in what a client sent, so that it cannot control the terminal.
fn visible(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars() {
        match letter.is_control() {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn a_path_cannot_write_to_the_terminal() {
        assert_eq!(visible("GET /\u{1b}[2J\u{e9}"), "GET /\\u{1b}[2J\u{e9}");
    }
}
