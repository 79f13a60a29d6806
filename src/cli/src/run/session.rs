//! The main loop of `run`, from the start of the proxy to its end: requests, new documents, the user's command.

use super::board::Board;
use super::counts::RunCounts;
use super::delivery::Receipt;
use super::example::{Examples, examples};
use super::guest::Guest;
use super::sandbox::Sandbox;
use super::tally::{Summary, Tally};
use super::traffic::{DemoTraffic, To};
use super::upstream::Upstream;
use super::watch::{Change, Watch};
use super::welcome::{Welcome, rules};
use super::{Arguments, Error};
use crate::document::{Checked, DocumentFile};
use crate::envoy::Executable;
use crate::report;
use crate::terminal::leave;
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const TURN: Duration = Duration::from_millis(25);
/// The longest wait for the user's command to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ctrl-C and similar signals. The second one kills the user's command, the third one exits at once.
#[derive(Debug)]
pub struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// Starts listening.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        let asked = Arc::new(AtomicUsize::new(0));
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let count = Arc::clone(&asked);
        let listen = move || {
            for signal in signals.forever() {
                if count.fetch_add(1, Ordering::Relaxed) >= 2 {
                    leave(signal);
                }
            }
        };
        thread::Builder::new().name("signals".into()).spawn(listen)?;
        Ok(Self(asked))
    }

    fn ask_to_end(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn are_impatient(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 1
    }
}

/// The end of a run.
#[derive(Debug)]
pub struct Finished {
    /// The exit status of the user's command, if there was one.
    pub command: Option<u8>,
    pub counts: RunCounts,
}

/// One run of the proxy.
#[derive(Debug)]
pub struct Session {
    sandbox: Sandbox,
    /// The document's file, if it has one, and the file that `brownout push` writes to.
    watches: Vec<(String, Watch)>,
    name: String,
    document: Checked,
    board: Board,
    traffic: DemoTraffic,
    traffic_to: Option<To>,
    has_upstream: bool,
    tally: Tally,
    /// True if a document of this run kept its rules out of the access log.
    is_silent: bool,
}

impl Session {
    /// Creates a session for a proxy that runs with this document.
    pub fn new(
        arguments: &Arguments,
        sandbox: Sandbox,
        file: Option<(&Path, Vec<u8>)>,
        name: &str,
        document: Checked,
    ) -> Self {
        let file = file.map(|(path, known)| (name.to_owned(), Watch::new(path, known)));
        let pushed = ("the pushed document".to_owned(), Watch::of_nothing(&sandbox.inbox));
        Self {
            watches: file.into_iter().chain([pushed]).collect(),
            sandbox,
            name: name.into(),
            is_silent: !document.plan.reports_in_filter_state(),
            document,
            board: Board::new(arguments.format, arguments.quiet, arguments.command.is_empty()),
            traffic: DemoTraffic::default(),
            traffic_to: arguments.traffic,
            has_upstream: arguments.upstream.is_some(),
            tally: Tally::default(),
        }
    }

    /// Runs until the user, the time limit or the user's command ends it.
    ///
    /// # Errors
    /// When Envoy ends by itself or cannot be asked.
    pub fn run(
        mut self,
        arguments: &Arguments,
        envoy: &Executable,
        upstream: &Upstream,
        signals: &Signals,
    ) -> Result<Finished, Error> {
        let examples = examples(&self.document.json);
        self.welcome(arguments, envoy, upstream, &examples);
        self.follow_traffic(examples);
        if self.traffic_to.is_some() {
            let setup = |source| Error::Setup { what: "the demo traffic", source };
            self.traffic.start(self.sandbox.listen).map_err(setup)?;
        }
        let mut guest = self.guest(arguments)?;
        let mut command = None;
        let end = arguments.duration.map(|duration| Instant::now() + duration);
        let mut count = Instant::now() + self.board.pace();
        while !signals.ask_to_end() && end.is_none_or(|end| Instant::now() < end) {
            self.turn()?;
            command = guest.as_mut().and_then(Guest::ended);
            if command.is_some() {
                break;
            }
            if Instant::now() >= count && arguments.command.is_empty() {
                count = Instant::now() + self.board.pace();
                let summary = self.summary()?;
                self.board.sum(&summary);
            }
        }
        if let Some(guest) = guest.as_mut().filter(|_| command.is_none()) {
            command = Some(self.end_guest(guest, signals)?);
        }
        self.goodbye(command)
    }

    fn welcome(
        &mut self,
        arguments: &Arguments,
        envoy: &Executable,
        upstream: &Upstream,
        examples: &Examples,
    ) {
        let welcome = Welcome {
            arguments,
            envoy,
            upstream,
            sandbox: &self.sandbox,
            name: &self.name,
            document: &self.document,
            examples,
        };
        let (text, json) = (welcome.text(), welcome.json());
        self.board.tell(&text, || json);
    }

    fn guest(&self, arguments: &Arguments) -> Result<Option<Guest>, Error> {
        if arguments.command.is_empty() {
            return Ok(None);
        }
        let variables = [
            ("BROWNOUT_URL", format!("http://{}", self.sandbox.listen)),
            ("BROWNOUT_ADMIN", format!("http://{}", self.sandbox.admin.address())),
            ("BROWNOUT_PUSH", self.sandbox.inbox.display().to_string()),
        ];
        let shares_stdout = arguments.format == crate::arguments::Format::Text;
        Guest::start(&arguments.command, &variables, shares_stdout)
            .map(Some)
            .map_err(|(code, message)| Error::Command { code, message })
    }

    fn end_guest(&mut self, guest: &mut Guest, signals: &Signals) -> Result<u8, Error> {
        guest.ask_to_end();
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(code) = guest.ended() {
                return Ok(code);
            }
            if Instant::now() > end || signals.are_impatient() {
                guest.kill();
            }
            self.turn()?;
        }
    }

    /// Waits briefly, then handles what has happened.
    fn turn(&mut self) -> Result<(), Error> {
        thread::sleep(TURN);
        self.read_requests();
        if let Some(status) = self.sandbox.process.ended() {
            self.board.close();
            return Err(Error::Finished { status, tail: self.sandbox.process.log_tail(12) });
        }
        let changes: Vec<_> =
            self.watches.iter_mut().filter_map(|(name, watch)| Some((name.clone(), watch.look()?))).collect();
        for (name, change) in changes {
            self.follow(&name, change)?;
        }
        Ok(())
    }

    fn follow(&mut self, name: &str, change: Change) -> Result<(), Error> {
        let text = match change {
            Change::Content(content) => return self.reload(name, &content),
            Change::Emptied => {
                format!("{name}: empty; the previous document stays in force (`{{}}` stops all faults)")
            }
            Change::Trouble(kind) => {
                format!("cannot read `{name}` ({kind}); the previous document stays in force")
            }
        };
        self.board.tell(&text, || json!({"type": "passed_over", "document": name, "reason": text}));
        Ok(())
    }

    fn read_requests(&mut self) {
        loop {
            let requests = self.sandbox.requests.next(&self.sandbox.admin);
            if requests.is_empty() {
                return;
            }
            requests.iter().for_each(|request| self.tally.add(request));
            self.board.requests(&requests);
        }
    }

    fn summary(&self) -> Result<Summary, Error> {
        let counts = RunCounts::read(&self.sandbox.admin, &self.document.plan)?;
        Ok(self.summary_of(counts))
    }

    fn summary_of(&self, counts: RunCounts) -> Summary {
        Summary { tally: self.tally.clone(), counts, is_silent: self.is_silent }
    }

    fn reload(&mut self, name: &str, content: &[u8]) -> Result<(), Error> {
        let document = DocumentFile::new(name, content);
        let checked = match document.check() {
            Ok(checked) => checked,
            Err(mistakes) => {
                let text = report::text(&document, &mistakes);
                let text =
                    format!("{}\n{name}: refused; the previous document stays in force", text.trim_end());
                self.board.tell(&text, || super::refusal(&document, &mistakes));
                return Ok(());
            }
        };
        let setup = |source| Error::Setup { what: "the new document", source };
        let started = Instant::now();
        self.sandbox.delivery.give(&checked.json, Some(&self.sandbox.admin)).map_err(setup)?;
        match self.sandbox.receipt()? {
            Receipt::InForce => {
                self.document = checked;
                self.is_silent |= !self.document.plan.reports_in_filter_state();
                self.follow_traffic(examples(&self.document.json));
                let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                let text = format!(
                    "{name}: in force, {}, confirmed by the module after {took} ms",
                    rules(&self.document.plan)
                );
                let rules = self.document.plan.rules().len();
                self.board.tell(
                    &text,
                    || json!({"type": "document", "document": name, "rules": rules, "after_ms": took}),
                );
            }
            Receipt::Refused | Receipt::Silent | Receipt::Pending => {
                let text = format!(
                    "{name}: the module did not accept it and may inject nothing now; the end of Envoy's log:\n{}",
                    self.sandbox.process.log_tail(6)
                );
                self.board.tell(&text, || json!({"type": "refused", "document": name, "reason": text}));
            }
        }
        Ok(())
    }

    /// Sets the demo traffic to requests that the document's rules match; a user's service only gets safe ones.
    fn follow_traffic(&self, examples: Examples) {
        let examples = examples.found.into_iter().map(|(example, _)| example);
        self.traffic.send(match (self.traffic_to, self.has_upstream) {
            (None, _) | (Some(To::Demo), true) => Vec::new(),
            (Some(_), false) => examples.collect(),
            (Some(To::Upstream), true) => examples.filter(super::example::Example::is_safe).collect(),
        });
    }

    fn goodbye(&mut self, command: Option<u8>) -> Result<Finished, Error> {
        let counts = RunCounts::read(&self.sandbox.admin, &self.document.plan)?;
        // Envoy flushes its access log when it ends.
        self.sandbox.process.stop();
        self.read_requests();
        self.board.close();
        let summary = self.summary_of(RunCounts { active: 0, ..counts });
        self.board.tell(&format!("ended after {summary}"), || summary.json());
        Ok(Finished { command, counts: summary.counts })
    }
}
