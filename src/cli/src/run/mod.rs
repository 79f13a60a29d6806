//! `brownout run`: a local fault proxy, which is a real Envoy with the module in front of a service.

mod board;
mod bootstrap;
mod counts;
mod delivery;
mod demo;
mod example;
mod guest;
mod listen;
mod port;
mod requests;
mod sandbox;
mod session;
mod tally;
mod traffic;
mod upstream;
mod watch;
mod welcome;

use crate::arguments::{Format, length};
use crate::document::{Checked, DocumentFile, Mistake};
use crate::envoy::{self, LocateError, ProcessError};
use crate::module;
use crate::report;
use crate::terminal::{Done, Ended, as_error, complain, print};
use board::Board;
use brownout_core::value::duration::LONGEST;
use serde_json::{Value, json};
use session::Finished;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use upstream::Upstream;

/// The document to use when the user gives none.
const DEMO: &str = include_str!("../../../../envoy/demo.yaml");
const DEMO_NAME: &str = "envoy/demo.yaml";

/// The exit code for our own failures when a user's command runs, whose exit code is otherwise passed on.
const OWN_FAILURE: u8 = 125;
/// The exit code when `--expect-injected` is not met.
const NOT_INJECTED: u8 = 124;

/// Run a local fault proxy: a real Envoy with the module, in front of your service or a demo service
///
/// The document is reloaded whenever its file changes; a document with mistakes is refused, and the previous one stays
/// in force. Ctrl-C ends everything.
///
/// With a command after `--`, the proxy is up and the document in force before the command starts, and the proxy stops
/// when the command exits. BROWNOUT_URL gives the command the proxy's URL and BROWNOUT_ADMIN that of Envoy's admin
/// interface; `brownout push` gives the proxy another document.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  brownout run faults.yaml --upstream http://127.0.0.1:8080
  brownout run faults.yaml --upstream http://127.0.0.1:8080 --expect-injected -- pytest tests/

Exit codes: 0 ended by Ctrl-C, --duration or a command that succeeded; 1 the document is wrong; 2 something is missing or \
failed. With a command: its own exit code; 124 if --expect-injected is not met; 125 instead of 1 and 2.")]
pub struct Arguments {
    /// The document, in JSON or YAML; `-` is standard input. Default: a built-in example.
    #[arg(value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Print the built-in example and exit.
    #[arg(long, exclusive = true)]
    print_example: bool,
    /// A command to run while the proxy is up; the proxy stops when it exits.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
    /// The service behind the proxy. Default: a built-in demo service.
    #[arg(long, value_name = "URL")]
    upstream: Option<Upstream>,
    /// The service for gRPC requests, if it differs from `--upstream`.
    #[arg(long, value_name = "URL", requires = "upstream")]
    grpc: Option<Upstream>,
    /// Pass `Host` on as the client sent it. By default it is rewritten to the name in the URL of the service.
    #[arg(long)]
    keep_host: bool,
    /// The address that the proxy listens on: `127.0.0.1:10000`, or just a port; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10000", value_parser = listen::address)]
    listen: SocketAddr,
    /// The address that Envoy's admin interface listens on; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9901", value_parser = listen::address)]
    admin: SocketAddr,
    /// Stop after this time: `30s`, `1m30s`, at most `1h`. Default: run until Ctrl-C.
    #[arg(long, value_name = "D", value_parser = up_to_an_hour)]
    duration: Option<Duration>,
    /// Send demo traffic through the proxy: requests that the document's rules match. The service of `--upstream` gets
    /// none unless you write `--traffic=upstream`, and then only GET and HEAD requests.
    #[arg(long, value_name = "TO", num_args = 0..=1, require_equals = true, default_missing_value = "demo")]
    traffic: Option<traffic::To>,
    /// Exit with 124 if nothing was injected or, with a rule's name, if that rule injected nothing. Can be repeated.
    #[arg(long, value_name = "RULE", num_args = 0..=1, default_missing_value = "")]
    expect_injected: Vec<String>,
    /// Seed the random draws: the same requests, sent one after another, get the same faults.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Output format: `text` for people, on standard error; `json` for programs, one object per line on standard
    /// output.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Do not print each request.
    #[arg(long, short)]
    quiet: bool,
    /// Keep Envoy's log in this file.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// The Envoy binary to use. Default: a suitable `envoy` on PATH, or one that is downloaded once.
    #[arg(long, value_name = "PATH", env = "BROWNOUT_ENVOY")]
    envoy: Option<PathBuf>,
    /// Use this module instead of the built-in one.
    #[arg(long, value_name = "PATH", env = "BROWNOUT_MODULE")]
    module: Option<PathBuf>,
}

/// Why the proxy did not start or stopped early.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read `{name}`: {source}")]
    Config { name: String, source: io::Error },
    #[error("`--expect-injected`: the document has no rule `{0}`{1}")]
    NoSuchRule(String, String),
    #[error("{0} is the proxy itself: set `--upstream` to your service, or move the proxy with `--listen`")]
    OwnUpstream(Upstream),
    #[error(
        "the module ({module}) refuses a document that this command accepts: is it a different version? The end \
         of Envoy's log:\n{tail}"
    )]
    ModuleRefuses { module: String, tail: String },
    #[error("Envoy cannot run the module ({module}); the end of its log:\n{tail}")]
    NoModule { module: String, tail: String },
    #[error("{message}")]
    Command { code: u8, message: String },
    #[error(transparent)]
    Module(#[from] module::Error),
    #[error(transparent)]
    Port(#[from] port::Error),
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error(transparent)]
    Admin(#[from] envoy::AdminError),
    #[error("no trusted CA certificates found for `{0}`: set `SSL_CERT_FILE` to a CA bundle")]
    Authorities(Upstream),
    #[error("cannot set up {what}: {source}")]
    Setup { what: &'static str, source: io::Error },
    #[error("Envoy exited unexpectedly ({status}); the end of its log:\n{tail}")]
    Finished { status: std::process::ExitStatus, tail: String },
}

/// Runs it; the exit codes are in the help.
pub fn run(arguments: &Arguments) -> Done {
    if arguments.print_example {
        print(DEMO);
        return Ok(());
    }
    let own = |code: u8| if arguments.command.is_empty() { code } else { OWN_FAILURE };
    let failed = |code: u8, reason: &dyn std::fmt::Display| {
        let reason = reason.to_string();
        let json = json!({"type": "error", "reason": reason});
        Board::fail(arguments.format, &format!("{}\n", as_error(&reason)), &json);
        Err(Ended::With(code))
    };
    let document = match load(arguments) {
        Ok(document) => document,
        Err(error) => return failed(own(2), &error),
    };
    let checked = match document.check() {
        Ok(checked) => checked,
        Err(mistakes) => {
            let json = refusal(&document, &mistakes);
            Board::fail(arguments.format, &report::text(&document, &mistakes), &json);
            return Err(Ended::With(own(1)));
        }
    };
    match proxy(arguments, &document, checked) {
        Ok(ended) => outcome(arguments, &ended),
        Err(Error::Command { code, message }) => failed(code, &message),
        Err(error) => failed(own(2), &error),
    }
}

/// Returns the JSON object that reports a document with mistakes.
fn refusal(document: &DocumentFile, mistakes: &[Mistake]) -> Value {
    let found: Vec<_> = mistakes.iter().map(|mistake| report::diagnostic(document, mistake)).collect();
    json!({"type": "refused", "document": document.name(), "diagnostics": found})
}

/// Returns the exit code of a run without errors of our own.
fn outcome(arguments: &Arguments, ended: &Finished) -> Done {
    let missing: Vec<&str> = arguments
        .expect_injected
        .iter()
        .map(String::as_str)
        .filter(|name| ended.counts.injected_by((!name.is_empty()).then_some(name)) == 0)
        .collect();
    for name in &missing {
        match *name {
            "" => complain("`--expect-injected`: nothing was injected"),
            name => complain(format_args!("`--expect-injected`: rule `{name}` injected nothing")),
        }
    }
    match ended.command {
        Some(code) if code != 0 => Err(Ended::With(code)),
        _ if !missing.is_empty() => Err(Ended::With(NOT_INJECTED)),
        _ => Ok(()),
    }
}

fn load(arguments: &Arguments) -> Result<DocumentFile, Error> {
    let Some(path) = &arguments.config else { return Ok(DocumentFile::new(DEMO_NAME, DEMO.as_bytes())) };
    DocumentFile::open(path).map_err(|(name, source)| Error::Config { name, source })
}

fn proxy(arguments: &Arguments, document: &DocumentFile, checked: Checked) -> Result<Finished, Error> {
    expected_rules_are_there(arguments, &checked)?;
    for service in [arguments.upstream.as_ref(), arguments.grpc.as_ref()].into_iter().flatten() {
        if service.is_at(arguments.listen) {
            return Err(Error::OwnUpstream(service.clone()));
        }
    }
    let module = module::find(arguments.module.as_deref())?;
    port::free(arguments.listen, "the proxy", "--listen")?;
    port::free(arguments.admin, "Envoy's admin interface", "--admin")?;
    let envoy = envoy::locate(arguments.envoy.as_deref(), envoy::DEFAULT_VERSION)?;
    let setup = |what| move |source| Error::Setup { what, source };
    let signals = session::Signals::listen().map_err(setup("signal handling"))?;
    let upstream = match &arguments.upstream {
        Some(upstream) => upstream.clone(),
        None => Upstream::at(demo::start().map_err(setup("the demo service"))?),
    };
    let sandbox = sandbox::Sandbox::start(arguments, &envoy, &module, &upstream, &checked)?;
    // What came from standard input cannot change.
    let file = arguments.config.as_deref().filter(|path| path.as_os_str() != "-");
    let file = file.map(|path| (path, document.bytes().to_vec()));
    let session = session::Session::new(arguments, sandbox, file, document.name(), checked);
    session.run(arguments, &envoy, &upstream, &signals)
}

fn expected_rules_are_there(arguments: &Arguments, checked: &Checked) -> Result<(), Error> {
    let rules: Vec<&str> = checked.plan.rules().iter().map(|rule| rule.name.as_str()).collect();
    let mut expected = arguments.expect_injected.iter().filter(|name| !name.is_empty());
    match expected.find(|name| !rules.contains(&name.as_str())) {
        Some(name) if Path::new(name).exists() => {
            let help = "; that is a file: put the document first, or write `--expect-injected=RULE`".into();
            Err(Error::NoSuchRule(name.clone(), help))
        }
        Some(name) if rules.is_empty() => Err(Error::NoSuchRule(name.clone(), ": it has no rules".into())),
        Some(name) => Err(Error::NoSuchRule(name.clone(), format!("; its rules: {}", rules.join(", ")))),
        None => Ok(()),
    }
}

fn up_to_an_hour(text: &str) -> Result<Duration, String> {
    let duration = length(text)?;
    if duration <= LONGEST { Ok(duration) } else { Err("at most `1h`".into()) }
}
