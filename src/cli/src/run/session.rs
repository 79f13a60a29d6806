//! What happens between the start of the proxy and its end: reloads, demo traffic, counters.

use super::board::Board;
use super::counts::Counts;
use super::delivery::Receipt;
use super::sandbox::Sandbox;
use super::traffic;
use super::upstream::Upstream;
use super::watch::{Change, Watch};
use super::welcome::{rules, welcome};
use super::{Arguments, Error};
use crate::document::{Checked, Document};
use crate::envoy::Found;
use crate::report;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

const TURN: Duration = Duration::from_millis(50);
/// How long Envoy may take to say what it thinks of a document.
const RECEIPT: Duration = Duration::from_secs(10);

/// Ctrl-C and its relatives. The second one ends the process at once.
#[derive(Debug)]
pub struct Signals(Arc<AtomicBool>);

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?;
            flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Self(asked))
    }

    fn ask_to_end(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// One run of the proxy.
#[derive(Debug)]
pub struct Session {
    sandbox: Sandbox,
    watch: Option<Watch>,
    name: String,
    document: Checked,
    board: Board,
}

impl Session {
    /// A proxy that runs with this document.
    pub fn new(sandbox: Sandbox, watch: Option<Watch>, name: &str, document: Checked) -> Self {
        Self { sandbox, watch, name: name.into(), document, board: Board::new() }
    }

    /// Until the user or the time ends it.
    ///
    /// # Errors
    /// When Envoy ends by itself or cannot be asked.
    pub fn run(
        mut self,
        arguments: &Arguments,
        envoy: &Found,
        upstream: &Upstream,
        signals: &Signals,
    ) -> Result<(), Error> {
        self.board.say(&welcome(arguments, envoy, upstream, &self.sandbox, &self.name, &self.document));
        let (sender, seen) = mpsc::channel();
        if arguments.traffic {
            let setup = |source| Error::Setup { what: "the demo traffic", source };
            traffic::start(self.sandbox.listen, &sender).map_err(setup)?;
        }
        let end = arguments.duration.map(|duration| Instant::now() + duration);
        let mut count = Instant::now() + self.board.pace();
        while !signals.ask_to_end() && end.is_none_or(|end| Instant::now() < end) {
            self.turn(&seen)?;
            if Instant::now() >= count {
                count = Instant::now() + self.board.pace();
                self.count()?;
            }
        }
        self.goodbye()
    }

    /// A moment of waiting, and what came in it.
    fn turn(&mut self, seen: &Receiver<traffic::Seen>) -> Result<(), Error> {
        match seen.recv_timeout(TURN) {
            Ok(seen) => self.board.request(&seen),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(TURN),
        }
        if let Some(status) = self.sandbox.process.ended() {
            self.board.close();
            return Err(Error::Ended { status, tail: self.sandbox.process.log_tail(12) });
        }
        match self.watch.as_mut().and_then(Watch::look) {
            Some(Change::Content(content)) => self.reload(&content),
            Some(Change::Trouble(kind)) => {
                self.board.say(&format!(
                    "cannot read `{}` ({kind}); the document that was in it stays in force",
                    self.name
                ));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn count(&mut self) -> Result<(), Error> {
        self.board.show(&Counts::read(&self.sandbox.admin, &self.document.plan)?);
        Ok(())
    }

    fn reload(&mut self, content: &[u8]) -> Result<(), Error> {
        let document = Document::new(&self.name, content);
        let checked = match document.check() {
            Ok(checked) => checked,
            Err(mistakes) => {
                self.board.say(report::text(&document, &mistakes).trim_end());
                self.board.say(&format!("{}: refused, the document before it stays in force", self.name));
                return Ok(());
            }
        };
        let setup = |source| Error::Setup { what: "the new document", source };
        let started = Instant::now();
        self.sandbox.delivery.give(&checked.json, Some(&self.sandbox.admin)).map_err(setup)?;
        match self.receipt(started)? {
            Receipt::InForce => {
                self.document = checked;
                let took = started.elapsed().as_millis();
                let rules = rules(&self.document.plan);
                self.board
                    .say(&format!("{}: in force, {rules}, confirmed by Envoy after {took} ms", self.name));
            }
            Receipt::Refused => {
                self.board.say(&format!(
                    "{}: refused by Envoy, the document before it stays in force; the end of Envoy's log:\n{}",
                    self.name,
                    self.sandbox.process.log_tail(6)
                ));
            }
            Receipt::Pending => {
                self.board.say(&format!("{}: not confirmed by Envoy after {RECEIPT:?}", self.name));
            }
        }
        Ok(())
    }

    fn receipt(&self, started: Instant) -> Result<Receipt, Error> {
        loop {
            let receipt = self.sandbox.delivery.receipt(&self.sandbox.admin)?;
            if receipt != Receipt::Pending || started.elapsed() > RECEIPT {
                return Ok(receipt);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn goodbye(&mut self) -> Result<(), Error> {
        let counts = Counts::read(&self.sandbox.admin, &self.document.plan)?;
        self.board.close();
        self.sandbox.process.stop();
        self.board.say(&format!("ended after {counts}"));
        Ok(())
    }
}
