//! `brownout push`: checks a document and puts it in force, by replacing the file that a proxy watches.

use crate::document::DocumentFile;
use crate::envoy::{Admin, AdminError};
use crate::terminal::{Done, Ended, say, show, unusable};
use crate::verify;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(10);
/// Once Envoy shows the document, the module's main thread has it; this is the time for the workers to follow.
const WORKERS: Duration = Duration::from_millis(50);
const REFUSED: &str = "wasmcustom.brownout.document_refused";

/// Check a document and put it in force, by atomically replacing the file that `brownout run` watches
///
/// A document with mistakes is not pushed: the previous one stays in force.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  brownout push slow.yaml --to faults.yaml --wait
  brownout push - --to faults.yaml < slow.yaml

A command started by `brownout run … -- COMMAND` needs no --to: BROWNOUT_PUSH names the file.

Exit codes: 0 success; 1 the document has mistakes; 2 a file cannot be read or written, or the proxy did not load it.")]
pub struct Arguments {
    /// The document, in JSON or YAML; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file that the proxy watches. `brownout run` sets BROWNOUT_PUSH for its command to a file other than yours.
    #[arg(long, value_name = "PATH", env = "BROWNOUT_PUSH")]
    to: PathBuf,
    /// Wait until the proxy runs the document.
    #[arg(long)]
    wait: bool,
    /// The longest time to wait.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = crate::arguments::length, requires = "wait")]
    timeout: Duration,
    /// Envoy's admin interface, for `--wait`.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9901", value_parser = Admin::address_of, env = "BROWNOUT_ADMIN")]
    admin: SocketAddr,
}

/// Why a document was not put in force.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read `{name}`: {source}")]
    Unreadable { name: String, source: io::Error },
    #[error("`{0}` is a URL: expected the path of the file that `brownout run` watches")]
    Url(String),
    #[error("cannot write `{path}`: {source}")]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("`{0}` is empty, and a proxy ignores an empty file: write `{{}}` to stop all faults")]
    Empty(String),
    #[error("not pushed: {0}; set `--admin` to that proxy's admin interface, or drop `--wait`")]
    NotAsked(#[source] AdminError),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("the proxy is not running the document after {0:?}: is a `brownout run` watching `{1}`?")]
    NotInForce(Duration, PathBuf),
}

/// Runs the command: 1 if the document has mistakes, 2 if it could not be put in force.
pub fn run(arguments: &Arguments) -> Done {
    if push(arguments).map_err(unusable)? { Ok(()) } else { Err(Ended::Failed) }
}

/// Returns `false` if the document has mistakes, after printing them.
fn push(arguments: &Arguments) -> Result<bool, Error> {
    let to = &arguments.to;
    if let Some(url) = to.to_str().filter(|text| text.contains("://")) {
        return Err(Error::Url(url.to_owned()));
    }
    let document =
        DocumentFile::open(&arguments.file).map_err(|(name, source)| Error::Unreadable { name, source })?;
    let checked = match document.check() {
        Ok(checked) => checked,
        Err(mistakes) => {
            show(&document, &mistakes);
            say(format_args!("{}: not pushed; the previous document stays in force", document.name()));
            return Ok(false);
        }
    };
    if checked.json.trim().is_empty() {
        return Err(Error::Empty(document.name().to_owned()));
    }
    let admin = Admin::new(arguments.admin);
    if arguments.wait {
        admin.ready().map_err(Error::NotAsked)?;
    }
    replace(to, checked.json.as_bytes()).map_err(|source| Error::Unwritable { path: to.clone(), source })?;
    if !arguments.wait {
        return Ok(true);
    }
    let started = Instant::now();
    while !is_in_force(&admin, &checked.json)? {
        if started.elapsed() > arguments.timeout {
            return Err(Error::NotInForce(arguments.timeout, to.clone()));
        }
        thread::sleep(POLL);
    }
    thread::sleep(WORKERS);
    Ok(true)
}

/// Replaces a file atomically, so no reader sees half of it. JSON is also YAML, so the file extension does not matter.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".brownout-").tempfile_in(folder)?;
    io::Write::write_all(&mut new, bytes)?;
    if let Ok(found) = fs::metadata(path) {
        new.as_file().set_permissions(found.permissions())?;
    }
    new.persist(path).map(drop).map_err(|error| error.error)
}

fn is_in_force(admin: &Admin, json: &str) -> Result<bool, AdminError> {
    if !verify::texts(admin)?.iter().any(|text| text == json) {
        return Ok(false);
    }
    let refused = admin.stats(&format!("^{}$", REFUSED.replace('.', r"\.")))?;
    Ok(refused.values().all(|plugins| *plugins == 0))
}
