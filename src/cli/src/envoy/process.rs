//! A running Envoy that ends when we end, whatever the cause.

use super::admin::Admin;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const SUPERVISE: &str = include_str!("supervise.sh");
/// An absolute path, since PATH may be empty.
const SHELL: &str = "/bin/sh";
const POLL: Duration = Duration::from_millis(10);
/// The supervising shell kills an Envoy that has not ended 3 s after its SIGTERM.
const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// The number of log lines that an error shows.
const COMPLAINTS: usize = 12;

/// Why Envoy is not running.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log file cannot be written.
    #[error("cannot write Envoy's log `{path}`: {source}")]
    Log { path: PathBuf, source: io::Error },
    /// The shell that supervises Envoy cannot be started.
    #[error("cannot start Envoy through `sh`: {0}")]
    Shell(#[source] io::Error),
    /// Envoy ended before it was ready.
    #[error("Envoy exited during startup ({status}); the end of its log `{log}`:\n{tail}")]
    Ended {
        status: ExitStatus,
        log: PathBuf,
        /// The last lines of the log, without level info.
        tail: String,
    },
    /// Envoy is running but did not become ready.
    #[error("Envoy is not ready after {seconds} s; the end of its log `{log}`:\n{tail}")]
    NotReady {
        /// The deadline that passed, in seconds.
        seconds: u64,
        log: PathBuf,
        /// The last lines of the log, without level info.
        tail: String,
    },
}

/// The options for starting an Envoy process.
#[derive(Debug, Clone)]
pub struct Launch {
    envoy: PathBuf,
    config: PathBuf,
    log: PathBuf,
    concurrency: u32,
    arguments: Vec<OsString>,
}

impl Launch {
    /// Configures an Envoy with one worker and the bootstrap `config` (YAML or JSON, by its extension). Its output goes
    /// to the file `log`, and its admin address to `log` with `.admin` appended.
    pub fn new(envoy: &Path, config: &Path, log: &Path) -> Self {
        Self {
            envoy: envoy.into(),
            config: config.into(),
            log: log.into(),
            concurrency: 1,
            arguments: Vec::new(),
        }
    }

    /// Sets the number of worker threads.
    #[must_use]
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// Adds an argument to Envoy's command line.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Starts Envoy without waiting until it is ready: see [`Process::wait_ready`].
    ///
    /// # Errors
    /// When the log cannot be written or there is no shell. A wrong configuration shows in `wait_ready`.
    pub fn start(self) -> Result<Process, Error> {
        let address = self.address_file();
        // A file left by an earlier Envoy would hold the wrong address.
        let _ = fs::remove_file(&address);
        let log = File::create(&self.log).map_err(|source| Error::Log { path: self.log.clone(), source })?;
        let mut shell = Command::new(SHELL)
            .args(["-c", SUPERVISE, "brownout-envoy"])
            .arg(&self.envoy)
            .arg("--config-path")
            .arg(&self.config)
            .arg("--concurrency")
            .arg(self.concurrency.to_string())
            .arg("--disable-hot-restart")
            .arg("--admin-address-path")
            .arg(&address)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // We handle Ctrl-C in the terminal, not Envoy.
            .process_group(0)
            .spawn()
            .map_err(Error::Shell)?;
        let lifeline = shell.stdin.take();
        let pid = read_pid(&mut shell).map_err(Error::Shell)?;
        Ok(Process { shell, lifeline, pid, log: self.log, address })
    }

    fn address_file(&self) -> PathBuf {
        let mut name = self.log.clone().into_os_string();
        name.push(".admin");
        name.into()
    }
}

fn read_pid(shell: &mut Child) -> io::Result<u32> {
    let mut line = String::new();
    if let Some(stdout) = shell.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    line.trim().parse().map_err(|_| io::Error::other("the shell did not print Envoy's process id"))
}

/// A running Envoy. It ends with [`Process::stop`], when this value is dropped, and when our process ends for any
/// reason, including SIGKILL.
#[derive(Debug)]
pub struct Process {
    shell: Child,
    /// The pipe that keeps Envoy alive. Its descriptor is closed on exec, so no child of ours holds it open.
    lifeline: Option<ChildStdin>,
    pid: u32,
    log: PathBuf,
    address: PathBuf,
}

impl Process {
    /// Returns the process id of Envoy, not of the shell that supervises it.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the file with Envoy's output.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Returns the last `lines` lines of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let all: Vec<&str> = log.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Returns the last log lines for an error message, without level info, since a starting Envoy prints pages of it.
    pub fn complaints(&self, lines: usize) -> String {
        let log = self.log_tail(usize::MAX);
        let all: Vec<&str> = log.lines().filter(|line| !line.contains("][info][")).collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Returns Envoy's exit status, once it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.shell.try_wait().ok().flatten()
    }

    /// Waits until Envoy is `LIVE`: every listener has its first configuration. Also works with admin port 0; the
    /// configuration must have an admin address.
    ///
    /// # Errors
    /// When Envoy ends or is not ready within `deadline`; the error has the last lines of its log.
    pub fn wait_ready(&mut self, deadline: Duration) -> Result<Admin, Error> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.ended() {
                return Err(Error::Ended {
                    status,
                    log: self.log.clone(),
                    tail: self.complaints(COMPLAINTS),
                });
            }
            if let Some(admin) = self.admin().filter(|admin| admin.ready().unwrap_or(false)) {
                return Ok(admin);
            }
            if Instant::now() >= end {
                return Err(Error::NotReady {
                    seconds: deadline.as_secs(),
                    log: self.log.clone(),
                    tail: self.complaints(COMPLAINTS),
                });
            }
            thread::sleep(POLL);
        }
    }

    /// Returns the admin interface, once Envoy has written its address.
    fn admin(&self) -> Option<Admin> {
        let address = fs::read_to_string(&self.address).ok()?;
        Some(Admin::new(address.trim().parse().ok()?))
    }

    /// Stops Envoy and waits until it has exited. Does nothing if it already has.
    pub fn stop(&mut self) {
        self.lifeline = None;
        let end = Instant::now() + STOP_DEADLINE;
        while self.ended().is_none() {
            if Instant::now() >= end {
                // Only a stopped (SIGSTOP) shell gets here; nothing more can be done.
                let _ = self.shell.kill();
                let _ = self.shell.wait();
                return;
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}
