//! `brownout run`: a local fault proxy, a real Envoy with the module before a service.

mod board;
mod bootstrap;
mod counts;
mod delivery;
mod demo;
mod example;
mod port;
mod sandbox;
mod session;
mod traffic;
mod upstream;
mod watch;
mod welcome;

use crate::document::{Checked, Document};
use crate::envoy::{self, LocateError, ProcessError};
use crate::module;
use crate::report;
use brownout_core::decode::Decoder;
use brownout_core::duration::Written;
use brownout_core::json::Json;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use upstream::Upstream;

/// The document that is used when the user has none.
const DEMO: &str = include_str!("../../../../envoy/demo.yaml");
const DEMO_NAME: &str = "envoy/demo.yaml";

/// Run a local fault proxy: a real Envoy with the module before your service, or before a demo service.
///
/// The document takes effect again whenever its file changes; a wrong one is refused and the old one stays. Ctrl-C
/// ends everything.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The document, JSON or YAML; without one, a built-in example.
    #[arg(value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// The service behind the proxy; without one, a built-in demo service.
    #[arg(long, value_name = "URL")]
    upstream: Option<Upstream>,
    /// Where the proxy listens; port 0 is a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10000")]
    listen: SocketAddr,
    /// Where Envoy's admin interface listens; port 0 is a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
    /// End after this time: `30s`, `1m30s`, at most `1h`; without it, on Ctrl-C.
    #[arg(long, value_name = "D", value_parser = duration)]
    duration: Option<Duration>,
    /// Send demo traffic through the proxy and show what becomes of it.
    #[arg(long)]
    traffic: bool,
    /// The Envoy to use; without it, a suitable `envoy` on PATH, or one that is downloaded once.
    #[arg(long, value_name = "PATH", env = "BROWNOUT_ENVOY")]
    envoy: Option<PathBuf>,
    /// The module; without it, `brownout.wasm` beside this command or in `dist`.
    #[arg(long, value_name = "PATH", env = "BROWNOUT_MODULE")]
    module: Option<PathBuf>,
}

/// Why the proxy does not run, or does not run on.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read `{path}`: {source}")]
    Config { path: PathBuf, source: io::Error },
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
    Ended { status: std::process::ExitStatus, tail: String },
}

/// Runs it: 0 after Ctrl-C or `--duration`, 1 when the document is wrong, 2 when something is missing or fails.
pub fn run(arguments: &Arguments) -> ExitCode {
    let document = match load(arguments.config.as_deref()) {
        Ok(document) => document,
        Err(error) => return fail(&error),
    };
    let checked = match document.check() {
        Ok(checked) => checked,
        Err(mistakes) => {
            anstream::eprint!("{}", report::text(&document, &mistakes));
            return ExitCode::from(1);
        }
    };
    match proxy(arguments, &document, checked) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> ExitCode {
    anstream::eprintln!("error: {error}");
    ExitCode::from(2)
}

fn load(config: Option<&Path>) -> Result<Document, Error> {
    let Some(path) = config else { return Ok(Document::new(DEMO_NAME, DEMO.as_bytes())) };
    let bytes = std::fs::read(path).map_err(|source| Error::Config { path: path.into(), source })?;
    Ok(Document::new(&path.display().to_string(), &bytes))
}

fn proxy(arguments: &Arguments, document: &Document, checked: Checked) -> Result<(), Error> {
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
    let watch = arguments.config.as_deref().map(|path| watch::Watch::new(path, document.bytes().to_vec()));
    let session = session::Session::new(sandbox, watch, document.name(), checked);
    session.run(arguments, &envoy, &upstream, &signals)
}

fn duration(text: &str) -> Result<Duration, String> {
    let decoded = Decoder::decode::<Written>(&Json::String(text.into()));
    decoded
        .map(Written::get)
        .map_err(|mistakes| mistakes.first().map_or(String::new(), |first| first.label.clone()))
}
