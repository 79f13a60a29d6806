//! `brownout run`: a local fault proxy, a real Envoy with the module before a service.

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
use crate::terminal::{Done, Ended};
use board::Board;
use serde_json::{Value, json};
use session::Finished;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use upstream::Upstream;

/// The document that is used when the user has none.
const DEMO: &str = include_str!("../../../../envoy/demo.yaml");
const DEMO_NAME: &str = "envoy/demo.yaml";

/// Our own failures beside a command of the user's, whose exit status is passed on.
const OWN_FAILURE: u8 = 125;
/// What should have been injected was not.
const NOT_INJECTED: u8 = 124;

/// Run a local fault proxy: a real Envoy with the module before your service, or before a demo service
///
/// The document takes effect again whenever its file changes; a wrong one is refused and the old one stays. Ctrl-C
/// ends everything.
///
/// With a command after `--`, the proxy is up and the document in force before the command starts, and both end with
/// it. The command finds the proxy by BROWNOUT_URL and Envoy's admin interface by BROWNOUT_ADMIN, and `brownout push`
/// gives the proxy another document.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  brownout run faults.yaml --upstream http://127.0.0.1:8080
  brownout run faults.yaml --upstream http://127.0.0.1:8080 --expect-injected -- pytest tests/

Exit codes: 0 ended by Ctrl-C, --duration or a command that succeeded; 1 the document is wrong; 2 something is missing or \
fails. With a command: its own exit code; 124 if --expect-injected is not met; 125 instead of 1 and 2.")]
pub struct Arguments {
    /// The document, JSON or YAML; `-` is standard input; without one, a built-in example.
    #[arg(value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Print the built-in example, and do nothing else.
    #[arg(long, exclusive = true)]
    print_example: bool,
    /// A command to run beside the proxy, which ends with it.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
    /// The service behind the proxy; without one, a built-in demo service.
    #[arg(long, value_name = "URL")]
    upstream: Option<Upstream>,
    /// The service for gRPC requests, if that is another one.
    #[arg(long, value_name = "URL", requires = "upstream")]
    grpc: Option<Upstream>,
    /// Let services see `Host` as the client sent it; without this, they see their own name from the URL.
    #[arg(long)]
    keep_host: bool,
    /// Where the proxy listens: `127.0.0.1:10000`, or only a port; 0 is a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10000", value_parser = listen::address)]
    listen: SocketAddr,
    /// Where Envoy's admin interface listens; port 0 is a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9901", value_parser = listen::address)]
    admin: SocketAddr,
    /// End after this time: `30s`, `1m30s`, at most `1h`; without it, on Ctrl-C.
    #[arg(long, value_name = "D", value_parser = length)]
    duration: Option<Duration>,
    /// Send demo traffic through the proxy: what the document's rules match. To the service of `--upstream` nothing is
    /// sent unless this says `--traffic=upstream`, and then only GET and HEAD.
    #[arg(long, value_name = "TO", num_args = 0..=1, require_equals = true, default_missing_value = "demo")]
    traffic: Option<traffic::To>,
    /// Fail with 124 if nothing was injected; with a rule's name, if that rule injected nothing. Can be repeated.
    #[arg(long, value_name = "RULE", num_args = 0..=1, default_missing_value = "")]
    expect_injected: Vec<String>,
    /// Make the draws repeatable: the same requests, one after another, meet the same faults.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How to say things: `text` for people, on standard error; `json` for programs, one object a line on standard
    /// output.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Do not show requests as they pass.
    #[arg(long, short)]
    quiet: bool,
    /// Keep Envoy's log in this file.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// The Envoy to use; without it, a suitable `envoy` on PATH, or one that is downloaded once.
    #[arg(long, value_name = "PATH", env = "BROWNOUT_ENVOY")]
    envoy: Option<PathBuf>,
    /// Use this module instead of the one inside this command.
    #[arg(long, value_name = "PATH", env = "BROWNOUT_MODULE")]
    module: Option<PathBuf>,
}

/// Why the proxy does not run, or does not run on.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read `{name}`: {source}")]
    Config { name: String, source: io::Error },
    #[error("the document has no rule `{0}` to expect anything of{1}")]
    NoSuchRule(String, String),
    #[error(
        "{0} is the proxy itself: name your service with `--upstream`, or move the proxy with `--listen`"
    )]
    OwnUpstream(Upstream),
    #[error(
        "the module ({module}) refuses a document that this command takes: is it of another version? The end of \
         Envoy's log:\n{tail}"
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
    #[error("no file with trusted certificate authorities for `{0}`: name one with `SSL_CERT_FILE`")]
    Authorities(Upstream),
    #[error("cannot set up {what}: {source}")]
    Setup { what: &'static str, source: io::Error },
    #[error("Envoy ended by itself ({status}); the end of its log:\n{tail}")]
    Finished { status: std::process::ExitStatus, tail: String },
}

/// Runs it; the exit codes are in the help.
pub fn run(arguments: &Arguments) -> Done {
    if arguments.print_example {
        anstream::print!("{DEMO}");
        return Ok(());
    }
    let own = |code: u8| if arguments.command.is_empty() { code } else { OWN_FAILURE };
    let failed = |code: u8, reason: &dyn std::fmt::Display| {
        let reason = reason.to_string();
        let json = json!({"type": "error", "reason": reason});
        Board::fail(arguments.format, &format!("error: {reason}\n"), &json);
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

/// What programs are told of a document with mistakes.
fn refusal(document: &DocumentFile, mistakes: &[Mistake]) -> Value {
    let found: Vec<_> = mistakes.iter().map(|mistake| report::diagnostic(document, mistake)).collect();
    json!({"type": "refused", "document": document.name(), "diagnostics": found})
}

/// What a run that went well ends with.
fn outcome(arguments: &Arguments, ended: &Finished) -> Done {
    let missing: Vec<&str> = arguments
        .expect_injected
        .iter()
        .map(String::as_str)
        .filter(|name| ended.counts.injected_by((!name.is_empty()).then_some(name)) == 0)
        .collect();
    for name in &missing {
        match *name {
            "" => anstream::eprintln!("error: nothing was injected, and `--expect-injected` expects it"),
            name => anstream::eprintln!(
                "error: rule `{name}` injected nothing, and `--expect-injected` expects it"
            ),
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
            let help = "; that is a file: name the document first, or write `--expect-injected=RULE`".into();
            Err(Error::NoSuchRule(name.clone(), help))
        }
        Some(name) if rules.is_empty() => Err(Error::NoSuchRule(name.clone(), ": it has none".into())),
        Some(name) => Err(Error::NoSuchRule(name.clone(), format!("; its rules: {}", rules.join(", ")))),
        None => Ok(()),
    }
}
