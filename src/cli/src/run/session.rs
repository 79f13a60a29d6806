//! What happens between the start of the proxy and its end: reloads, demo traffic, counters.

use super::board::Board;
use super::counts::Counts;
use super::delivery::Receipt;
use super::example::examples;
use super::sandbox::Sandbox;
use super::traffic;
use super::upstream::Upstream;
use super::watch::{Change, Watch};
use super::{Arguments, DEMO_NAME, Error};
use crate::document::Document;
use crate::envoy::Found;
use crate::report;
use brownout_core::Plan;
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
    plan: Plan,
    board: Board,
}

impl Session {
    /// A proxy that runs with this document.
    pub fn new(sandbox: Sandbox, watch: Option<Watch>, document: &Document, plan: Plan) -> Self {
        Self { sandbox, watch, name: document.name().into(), plan, board: Board::new() }
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
        self.welcome(arguments, envoy, upstream);
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
        self.board.show(&Counts::read(&self.sandbox.admin, &self.plan)?);
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
                self.plan = checked.plan;
                let took = started.elapsed().as_millis();
                let rules = rules(&self.plan);
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

    fn welcome(&self, arguments: &Arguments, envoy: &Found, upstream: &Upstream) {
        let document = if arguments.config.is_some() { self.name.as_str() } else { "a built-in example" };
        let service = if arguments.upstream.is_some() { "" } else { ", a built-in demo service" };
        self.board.say(&format!("Envoy {} with {document} ({})", envoy.version, rules(&self.plan)));
        self.board.say(&format!("  proxy   http://{} -> {upstream}{service}", self.sandbox.listen));
        self.board.say(&format!("  admin   http://{}", self.sandbox.admin.address()));
        if arguments.config.is_none() {
            self.board
                .say(&format!("  the example is {DEMO_NAME}: copy it, change it, `brownout run my.yaml`"));
        }
        if arguments.upstream.is_some() && !upstream.answers() {
            self.board.say(&format!("warning: nothing answers at {upstream} yet"));
        }
        self.board.say("\nTry:");
        let lines: Vec<_> = examples(&self.plan)
            .into_iter()
            .map(|example| (example.curl(self.sandbox.listen), example.effect))
            .collect();
        let width = lines.iter().map(|(curl, _)| curl.len()).max().unwrap_or(0);
        for (curl, effect) in lines {
            self.board.say(&format!("  {curl:<width$}   # {effect}"));
        }
        self.board.say("\nCtrl-C ends everything.\n");
    }

    fn goodbye(&mut self) -> Result<(), Error> {
        let counts = Counts::read(&self.sandbox.admin, &self.plan)?;
        self.board.close();
        self.sandbox.process.stop();
        self.board.say(&format!("ended after {counts}"));
        Ok(())
    }
}

fn rules(plan: &Plan) -> String {
    match plan.rules().len() {
        1 => "1 rule".into(),
        many => format!("{many} rules"),
    }
}
